/**
 * A Redis for a test run: a free port, a temporary folder. It may be killed and started again.
 *
 * Invariant: nothing of it outlives this process, however the process ends (watchdog.ts).
 */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { redisAnswers } from './answers.ts';
import { freePorts } from './ports.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { planRedis, redisUrl } from './redis.ts';
import { fetchRedis } from './redis-package.ts';
import { startServices } from './start-services.ts';
import { startWatchdog } from './watchdog.ts';

export interface EphemeralRedis {
  /** `redis://127.0.0.1:6379` */
  readonly url: string;
  /** Ends it as nothing it could be told beforehand; what it wrote to its log stays. */
  kill(): Promise<void>;
  /** After `kill`, on the same port and data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const withinMs = 30_000;

/** Errors: UNREACHABLE, TIMEOUT. */
export async function startEphemeralRedis(
  report: (line: string) => void = () => {},
): Promise<EphemeralRedis> {
  const program = await fetchRedis({ report });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-redis-'));
  const watchdog = startWatchdog(folder);
  try {
    const [port] = (await freePorts(1)) as [number];
    const plan = planRedis({
      program,
      folder: join(folder, 'data'),
      logFile: join(folder, 'redis.log'),
      port,
    });
    let pid = 0;
    const onLaunched = async (_: unknown, identity: ProcessIdentity) => {
      pid = identity.pid;
    };
    const start = () => startServices([plan], { watchdog, withinMs, onLaunched });
    const kill = async () => {
      process.kill(pid, 'SIGKILL');
      while (await redisAnswers(port));
    };
    await start();
    return { url: redisUrl(port), kill, start, stop: () => watchdog.release() };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}
