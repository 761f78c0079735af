/**
 * A stack of its own for a test run: free ports, a temporary folder, JVMs whatever engine there is.
 *
 * Invariant: nothing of it outlives this process, however the process ends (watchdog.ts).
 */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planServices, type ServicesSetup } from './plan.ts';
import { freePorts } from './ports.ts';
import { isPortClash, launch, type ServicePlan, waitUntilAnswers } from './service.ts';
import { describeStack, type Stack } from './stack.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export type EphemeralSetup = Omit<ServicesSetup, 'folder' | 'ports' | 'durable'> & {
  readonly readyWithinMs: number;
};

const attempts = 3;

export async function startEphemeralStack(setup: EphemeralSetup): Promise<Stack> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(setup);
    } catch (error) {
      // A guest listener's port is given, not found: trying again would clash again.
      if (attempt === attempts || !isPortClash(error) || setup.guestListener !== undefined) throw error;
    }
  }
}

async function startOnce(setup: EphemeralSetup): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-stack-'));
  const watchdog = startWatchdog(folder);
  try {
    const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
    const ports = { broker, controller, registry };
    const plans = await planServices({ ...setup, folder, ports, durable: false });
    await Promise.all(plans.map(plan => startWatched(plan, watchdog, setup.readyWithinMs)));
    let stopping: Promise<void> | undefined;
    const stop = () => (stopping ??= watchdog.release());
    return { ...describeStack({ folder, ports, guestListener: setup.guestListener }), adopted: false, stop };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

async function startWatched(plan: ServicePlan, watchdog: Watchdog, withinMs: number): Promise<void> {
  await plan.prepare();
  const { child, identity } = await launch(plan);
  watchdog.watch(identity.pid);
  let alive = true;
  child.once('exit', () => {
    alive = false;
    watchdog.forget(identity.pid);
  });
  await waitUntilAnswers(plan, { withinMs, isAlive: () => alive });
}
