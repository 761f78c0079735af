import { appendFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePorts } from '#local';
import { planServices } from '../../../infra/local/plan.ts';
import type { ServicePlan } from '../../../infra/local/service.ts';
import { startServices } from '../../../infra/local/start-services.ts';
import { startWatchdog, type Watchdog } from '../../../infra/local/watchdog.ts';

/** A broker that may be killed and started again, on the same port and data. It ends with this process, however that ends. */
export interface TortureBroker {
  readonly bootstrapServers: string;
  /** It has no chance to finish anything. */
  kill(): void;
  /** Resolves once it answers. */
  start(): Promise<void>;
  /** For good, with its data. */
  release(): Promise<void>;
}

/** Members that died are to be missed soon: a torture would else consist of waiting. */
export const shortestSessionMs = 1_000;

const readyWithinMs = 120_000;

/** Started. Errors: UNREACHABLE, TIMEOUT. */
export async function startTortureBroker(report: (line: string) => void): Promise<TortureBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-torture-'));
  const watchdog = startWatchdog(folder);
  try {
    const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
    const ports = { broker, controller, registry };
    const [planned] = await planServices({ folder, ports, durable: false, report });
    const made = new Broker(watchdog, impatient(planned), `127.0.0.1:${broker}`);
    await made.start();
    return made;
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

class Broker implements TortureBroker {
  readonly bootstrapServers: string;
  readonly #watchdog: Watchdog;
  readonly #plan: ServicePlan;
  #pid: number | null = null;

  constructor(watchdog: Watchdog, plan: ServicePlan, bootstrapServers: string) {
    this.#watchdog = watchdog;
    this.#plan = plan;
    this.bootstrapServers = bootstrapServers;
  }

  kill(): void {
    if (this.#pid !== null) process.kill(this.#pid, 'SIGKILL');
    this.#pid = null;
  }

  async start(): Promise<void> {
    await startServices([this.#plan], {
      watchdog: this.#watchdog,
      withinMs: readyWithinMs,
      onLaunched: async (_plan, { pid }) => {
        this.#pid = pid;
      },
    });
  }

  release(): Promise<void> {
    return this.#watchdog.release();
  }
}

function impatient(plan: ServicePlan): ServicePlan {
  return {
    ...plan,
    async prepare() {
      await plan.prepare();
      const settings = `group.min.session.timeout.ms=${shortestSessionMs}\n`;
      await appendFile(join(plan.cwd, 'server.properties'), settings);
    },
  };
}
