import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hasComposeEngine } from './compose.ts';
import { freePorts } from './ports.ts';
import { stackStatus } from './stack-status.ts';
import { startStack } from './start-stack.ts';
import { stopStack } from './stop-stack.ts';

let folder: string;
let stack: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-compose-'));
  stack = join(folder, 'stack');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A docker command that writes down how it was called, and then does as told. */
function plantDocker(script: string): void {
  const docker = join(folder, 'docker');
  writeFileSync(
    docker,
    `#!/bin/sh\necho "$SLUICE_BROKER_PORT $SLUICE_REGISTRY_PORT $*" >> ${folder}/calls\n${script}\n`,
  );
  chmodSync(docker, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}/usr/bin${delimiter}/bin`);
}

const calls = () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');

test('an engine counts only when it answers and has the compose plugin', async () => {
  plantDocker('exit 0');
  expect(await hasComposeEngine()).toBe(true);
  plantDocker('[ "$1" = info ]');
  expect(await hasComposeEngine()).toBe(false);
  plantDocker('[ "$1" = compose ]');
  expect(await hasComposeEngine()).toBe(false);
  vi.stubEnv('PATH', join(folder, 'none'));
  expect(await hasComposeEngine()).toBe(false);
});

test('up, again up, and down go to one project, with the ports asked for', async () => {
  plantDocker('exit 0');
  const [broker, registry] = (await freePorts(2)) as [number, number];
  const options = { folder: stack, ports: { broker, registry } };
  expect((await startStack(options)).adopted).toBe(false);
  expect((await startStack({ folder: stack })).adopted).toBe(true);
  await expect(startStack({ folder: stack, engine: 'jvm' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('engine docker, not jvm'),
  });
  expect(await stackStatus(stack)).toMatchObject({
    engine: 'docker',
    services: [{ state: 'down' }, { state: 'down' }],
  });
  expect(await stopStack({ folder: stack, purge: true })).toEqual(['registry', 'broker']);
  const composed = calls().filter(call => call.includes('--project-name'));
  const project = /--project-name (sluice-[0-9a-f]{8})/.exec(composed[0] ?? '')?.[1];
  const command = `${broker} ${registry} compose --file `;
  expect(composed).toHaveLength(3);
  for (const call of composed) {
    expect(call.startsWith(command)).toBe(true);
    expect(call).toContain(`docker-compose.kafka.yml --project-name ${project} `);
  }
  expect(composed[0]).toMatch(/up --detach --wait --wait-timeout 120 broker registry$/);
  expect(composed[2]).toMatch(/down --volumes$/);
  expect(await stackStatus(stack)).toMatchObject({ engine: null });
});

test('a start that failed says what the engine said how to do without it, and leaves nothing', async () => {
  plantDocker('case "$*" in *" up "*) echo "pull access denied" >&2; exit 18;; esac');
  const [broker, registry] = (await freePorts(2)) as [number, number];
  await expect(startStack({ folder: stack, ports: { broker, registry } })).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringMatching(/--engine jvm.*\n.*pull access denied/),
  });
  expect(calls().at(-1)).toMatch(/ down$/);
  expect(await stackStatus(stack)).toMatchObject({ engine: null });
});
