import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, type ProcessIdentity } from './process-identity.ts';
import { isPortClash, type ServicePlan } from './service.ts';
import { startServices } from './start-services.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

let folder: string;
let watchdog: Watchdog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-services-'));
  watchdog = startWatchdog(folder);
});
afterEach(async () => {
  await watchdog.release();
  rmSync(folder, { recursive: true, force: true });
});

/** A shell script in the place of a JVM. */
function planned(name: 'broker' | 'registry', script: string, rest: Partial<ServicePlan> = {}): ServicePlan {
  return {
    name,
    program: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    logFile: join(folder, 'logs', `${name}.log`),
    prepare: async () => {},
    answers: async () => true,
    ...rest,
  };
}

test('resolves when all answer, having told of each', async () => {
  const launched: ProcessIdentity[] = [];
  const ready: string[] = [];
  let asked = 0;
  await startServices(
    [
      planned('broker', 'exec sleep 60', { answers: async () => ++asked > 2 }),
      planned('registry', 'exec sleep 60'),
    ],
    {
      watchdog,
      withinMs: 5_000,
      onLaunched: async (_, identity) => void launched.push(identity),
      onReady: ({ name }) => ready.push(name),
    },
  );
  expect(ready).toEqual(['registry', 'broker']);
  expect(await Promise.all(launched.map(isRunning))).toEqual([true, true]);
  await watchdog.release();
  // Killed is not yet gone.
  await expect.poll(() => Promise.all(launched.map(isRunning)), { timeout: 10_000 }).toEqual([false, false]);
});

test('after one failed the other, still preparing, is not started, and nothing runs on afterwards', async () => {
  const launched: string[] = [];
  const starting = startServices(
    [
      planned('broker', 'exec sleep 60', { prepare: () => sleep(2_000) }),
      planned('registry', 'echo "cannot open database"; exit 3', { answers: async () => false }),
    ],
    { watchdog, withinMs: 5_000, onLaunched: async ({ name }) => void launched.push(name) },
  );
  await expect(starting).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringMatching(/The registry ended .*\n.*cannot open database/),
  });
  await sleep(400);
  expect(launched).not.toContain('broker');
});

test('a service that runs but never answers is given up in time, with the end of its log', async () => {
  const never = planned('broker', 'echo "waiting for a quorum"; exec sleep 60', {
    answers: async () => false,
  });
  await expect(startServices([never], { watchdog, withinMs: 300 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('waiting for a quorum'),
  });
});

test('an answer from the port of a service that died is not taken for its own', async () => {
  const dead = planned('registry', 'exit 1', {
    answers: async () => {
      await sleep(50);
      return false;
    },
  });
  await expect(startServices([dead], { watchdog, withinMs: 5_000 })).rejects.toMatchObject({
    code: 'UNREACHABLE',
  });
});

test('a program that is not there is an error that names the part', async () => {
  const absent = planned('broker', '', { program: join(folder, 'gone') });
  await expect(startServices([absent], { watchdog, withinMs: 1_000 })).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('The broker could not be started'),
  });
});

test('a port that was lost is told from other failures', async () => {
  const clash = planned(
    'broker',
    'echo "java.net.BindException: Address already in use"; sleep 0.1; exit 1',
    {
      answers: async () => false,
    },
  );
  const other = planned('broker', 'sleep 0.1; exit 1', { answers: async () => false });
  const failureOf = (plan: ServicePlan) =>
    startServices([plan], { watchdog, withinMs: 5_000 }).catch((error: unknown) => error);
  expect(isPortClash(await failureOf(clash))).toBe(true);
  expect(isPortClash(await failureOf(other))).toBe(false);
});
