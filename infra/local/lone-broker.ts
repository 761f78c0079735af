/**
 * A broker alone, as the local stack runs it, on free ports and in a temporary folder; it may be killed and started again.
 *
 * Invariant: it ends with this process, however that ends, and its folder with it.
 */

import { appendFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { planServices } from './plan.ts';
import { freePorts } from './ports.ts';
import type { ServicePlan } from './service.ts';
import { startServices } from './start-services.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface LoneBrokerOptions {
  /** Told what takes long, one line each. Absent: nobody is. */
  readonly report?: (line: string) => void;
  /** Added to server.properties. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

const readyWithinMs = 120_000;

/** Started. Errors: UNREACHABLE, TIMEOUT. */
export async function startLoneBroker({
  report = () => {},
  settings = {},
}: LoneBrokerOptions = {}): Promise<LoneBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-broker-'));
  const watchdog = startWatchdog(folder);
  try {
    const [broker, controller, registry, redis] = (await freePorts(4)) as [number, number, number, number];
    const ports = { broker, controller, registry, redis };
    const [planned] = await planServices({ folder, ports, redis: false, durable: false, report });
    const made = new LoneBroker(watchdog, withSettings(planned, settings), {
      folder,
      bootstrapServers: `127.0.0.1:${broker}`,
    });
    await made.start();
    return made;
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

export class LoneBroker {
  readonly bootstrapServers: string;
  /** Removed at the end. */
  readonly folder: string;
  /** Whose life ends with this process. */
  readonly watchdog: Watchdog;
  readonly #plan: ServicePlan;
  #pid = 0;

  constructor(
    watchdog: Watchdog,
    plan: ServicePlan,
    { folder, bootstrapServers }: Pick<LoneBroker, 'folder' | 'bootstrapServers'>,
  ) {
    this.watchdog = watchdog;
    this.#plan = plan;
    this.folder = folder;
    this.bootstrapServers = bootstrapServers;
  }

  /** 0 while it was killed. */
  get pid(): number {
    return this.#pid;
  }

  /** On the same ports and data. Resolves once it answers. */
  async start(): Promise<void> {
    await startServices([this.#plan], {
      watchdog: this.watchdog,
      withinMs: readyWithinMs,
      onLaunched: async (_plan, { pid }) => {
        this.#pid = pid;
      },
    });
  }

  /** It has no chance to finish anything. */
  kill(): void {
    if (this.#pid !== 0) process.kill(this.#pid, 'SIGKILL');
    this.#pid = 0;
  }

  /** For good, with its data. */
  release(): Promise<void> {
    return this.watchdog.release();
  }
}

function withSettings(plan: ServicePlan, settings: Readonly<Record<string, string | number>>): ServicePlan {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  return {
    ...plan,
    async prepare() {
      await plan.prepare();
      await appendFile(join(plan.cwd, 'server.properties'), lines.join(''));
    },
  };
}
