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
import { isPortClash } from './service.ts';
import { describeStack, type Stack } from './stack.ts';
import { startServices } from './start-services.ts';
import { startWatchdog } from './watchdog.ts';

export type EphemeralSetup = Omit<ServicesSetup, 'folder' | 'ports' | 'durable' | 'redis'> & {
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
    const [broker, controller, registry, redis] = (await freePorts(4)) as [number, number, number, number];
    const ports = { broker, controller, registry, redis };
    const plans = await planServices({ ...setup, folder, ports, redis: false, durable: false });
    await startServices(plans, { watchdog, withinMs: setup.readyWithinMs });
    let stopping: Promise<void> | undefined;
    const stop = () => (stopping ??= watchdog.release());
    return {
      ...describeStack({ folder, ports, guestListener: setup.guestListener, redis: false }),
      adopted: false,
      stop,
    };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}
