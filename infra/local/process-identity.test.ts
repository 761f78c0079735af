import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { endProcess, identify, isRunning } from './process-identity.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(script: string) {
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout, 'data');
  const identity = await identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('it does not run');
  return { child, identity };
}

test('a process is itself until it ends', async () => {
  const { child, identity } = await start('echo up; exec sleep 60');
  expect(await isRunning(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await isRunning(identity)).toBe(false);
});

test('a number that another process has by now is neither believed nor ended', async () => {
  const { child, identity } = await start('echo up; exec sleep 60');
  const recycled = { pid: identity.pid, startedAt: 'boot/1' };
  expect(await isRunning(recycled)).toBe(false);
  expect(await endProcess(recycled, 100)).toBe('gone');
  expect(child.exitCode).toBeNull();
  expect(await isRunning(identity)).toBe(true);
});

test('a process that ends when asked is not killed', async () => {
  const { child, identity } = await start('trap "exit 7" TERM; echo up; while :; do sleep 0.05; done');
  const exit = once(child, 'exit');
  expect(await endProcess(identity, 5_000)).toBe('ended');
  expect(await exit).toEqual([7, null]);
});

test('a process that ignores the request is killed after the limit', async () => {
  const { child, identity } = await start('trap "" TERM; echo up; while :; do sleep 0.05; done');
  const exit = once(child, 'exit');
  expect(await endProcess(identity, 200)).toBe('killed');
  expect(await exit).toEqual([null, 'SIGKILL']);
  expect(await endProcess(identity, 200)).toBe('gone');
});

test('a name with spaces and parentheses does not confuse the reading', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-name-'));
  const named = join(folder, 'x) Z 1 (y');
  await symlink('/bin/sleep', named);
  const { child, identity } = await start(`echo up; exec '${named}' 60`);
  await expect
    .poll(() => readFile(`/proc/${child.pid}/comm`, 'utf8'), { timeout: 10_000 })
    .toBe('x) Z 1 (y\n');
  await rm(folder, { recursive: true });
  expect(identity.startedAt).toMatch(/\d+$/);
  expect(await isRunning(identity)).toBe(true);
});
