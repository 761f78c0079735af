import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parsePolicyText } from '#policy';

it('the recording leads to these policies', async () => {
  const args = ['cli/main.ts', 'discover', '--from', 'infra/demo/nginx-redis.avro'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  await expect(stdout).toMatchFileSnapshot('golden/nginx-redis.yaml');
  const kinds = parsePolicyText(stdout, 'stdout').map(({ kind }) => kind);
  expect(kinds.sort()).toEqual([...Array(4).fill('KubeArmorPolicy'), ...Array(2).fill('NetworkPolicy')]);
});
