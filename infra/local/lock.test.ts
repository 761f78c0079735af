import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-lock-'));
  path = join(folder, 'deep', 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('of many who ask at once, one works at a time, and nothing is left', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await sleep(5);
    inside--;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock({ path, waitMs: 10_000 }, work)));
  expect(most).toBe(1);
  expect(readdirSync(join(folder, 'deep'))).toEqual([]);
});

test('work that fails lets go', async () => {
  const failing = withLock({ path, waitMs: 0 }, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await withLock({ path, waitMs: 0 }, async () => 'yes')).toBe('yes');
});

test('the lock of a process that was killed is taken over; that of one that lives is not', async () => {
  const lock = JSON.stringify(join(import.meta.dirname, 'lock.ts'));
  const program = `import { withLock } from ${lock};
    await withLock({ path: ${JSON.stringify(path)}, waitMs: 0 }, () => { console.log('held'); return new Promise(r => setTimeout(r, 60_000)); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const told: number[] = [];
  const onWait = (pid: number) => void told.push(pid);
  await expect(withLock({ path, waitMs: 250, onWait }, async () => {})).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining(String(holder.pid)),
  });
  expect(told).toEqual([holder.pid]);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(existsSync(path)).toBe(true);
  expect(await withLock({ path, waitMs: 250 }, async () => 'taken over')).toBe('taken over');
});

test('a lock nobody can read is not taken over', async () => {
  await withLock({ path, waitMs: 0 }, async () => {});
  writeFileSync(path, 'not ours');
  await expect(withLock({ path, waitMs: 250 }, async () => {})).rejects.toMatchObject({ code: 'TIMEOUT' });
});
