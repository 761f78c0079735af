import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

let folder: string;
let strays: number[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watchdog-'));
  strays = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const pid of strays) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended, as it should.
    }
  }
});

/** A process that starts two others, has the first watched, and the second watched and forgotten; then it does what it is told. */
async function startParent(then: string) {
  mkdirSync(join(folder, 'data'));
  const program = `
    import { spawn } from 'node:child_process';
    import { startWatchdog } from ${JSON.stringify(join(import.meta.dirname, 'watchdog.ts'))};
    const watchdog = startWatchdog(${JSON.stringify(join(folder, 'data'))});
    const start = () => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const [watched, forgotten] = [start(), start()].map(child => (child.unref(), child.pid));
    watchdog.watch(watched); watchdog.watch(forgotten); watchdog.forget(forgotten);
    console.log(JSON.stringify([watched, forgotten]));
    await new Promise(resolve => process.stdin.once('data', resolve));
    ${then}`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = await once(parent.stdout, 'data');
  const pids = JSON.parse(String(line)) as [number, number];
  strays.push(...pids);
  const [watched, forgotten] = (await Promise.all(pids.map(identify))) as [ProcessIdentity, ProcessIdentity];
  return { parent, watched, forgotten };
}

async function until(condition: () => Promise<boolean>, withinMs = 5_000): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (await condition()) return true;
    await sleep(20);
  }
  return false;
}

const idle = 'await new Promise(() => setInterval(() => {}, 1000));';

test.each([
  ['ends', 'process.exit(0);', undefined],
  ['throws', 'setTimeout(() => { throw new Error("x"); }); await new Promise(() => {});', undefined],
  ['gets SIGTERM', idle, 'SIGTERM'],
  ['gets SIGINT', idle, 'SIGINT'],
  ['gets SIGKILL', idle, 'SIGKILL'],
] as const)(
  'when the process %s, what it had watched is gone, what it had forgotten is not',
  async (_, then, signal) => {
    const { parent, watched, forgotten } = await startParent(then);
    expect(await isRunning(watched)).toBe(true);
    parent.stdin.write('go\n');
    if (signal !== undefined) parent.kill(signal);
    await once(parent, 'exit');
    expect(await until(async () => !(await isRunning(watched)))).toBe(true);
    expect(await until(async () => !existsSync(join(folder, 'data')))).toBe(true);
    expect(await isRunning(forgotten)).toBe(true);
  },
);

test('released, it kills, removes the folder, and lets the process end', async () => {
  const { parent, watched } = await startParent('await watchdog.release(); console.log("released");');
  parent.stdin.end('go\n');
  const [line] = await once(parent.stdout, 'data');
  expect(String(line)).toBe('released\n');
  expect(await isRunning(watched)).toBe(false);
  expect(existsSync(join(folder, 'data'))).toBe(false);
  expect(await once(parent, 'exit')).toEqual([0, null]);
});
