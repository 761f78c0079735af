import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const capture = 'infra/demo/nginx-redis.avro';
const node = (...args: string[]) => run(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 });

it('what comes through Kafka is what comes without it, byte for byte, from the recording of real nginx and redis', async () => {
  const throughKafka = await node('infra/demo/main.ts', '--ephemeral');
  const without = await node('cli/main.ts', 'discover', '--from', capture);
  expect(throughKafka.stdout).toBe(without.stdout);
  expect(without.stdout).toContain('path: /usr/sbin/nginx');
  expect(throughKafka.stderr).toMatch(/2 workloads, [\d.]+ s from the first record to the last policy/);
}, 180_000);
