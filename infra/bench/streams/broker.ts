/** A broker alone, as the local stack runs it, on free ports in a temporary folder. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import { freePorts } from '#local';
import { planServices } from '../../local/plan.ts';
import { startServices } from '../../local/start-services.ts';
import { startWatchdog, type Watchdog } from '../../local/watchdog.ts';

export interface BenchBroker {
  readonly bootstrapServers: string;
  readonly pid: number;
  /** Whose life ends with the bench, however it ends. */
  readonly watchdog: Watchdog;
  /** Removed at the end. */
  readonly folder: string;
  stop(): Promise<void>;
}

const readyWithinMs = 120_000;

/** Errors: UNREACHABLE, TIMEOUT. */
export async function startBroker(report: (line: string) => void): Promise<BenchBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const watchdog = startWatchdog(folder);
  try {
    const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
    const ports = { broker, controller, registry };
    const [plan] = await planServices({ folder, ports, durable: false, report });
    let pid = 0;
    await startServices([plan], {
      watchdog,
      withinMs: readyWithinMs,
      onLaunched: async (_plan, identity) => {
        pid = identity.pid;
      },
    });
    if (pid === 0) throw new SluiceError('BUG', 'the broker runs, but under no known number');
    return { bootstrapServers: `127.0.0.1:${broker}`, pid, watchdog, folder, stop: () => watchdog.release() };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}
