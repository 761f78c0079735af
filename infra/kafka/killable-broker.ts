import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '#local';
import { planServices } from '../local/plan.ts';
import type { ServicePlan } from '../local/service.ts';
import { startServices } from '../local/start-services.ts';
import { startWatchdog, type Watchdog } from '../local/watchdog.ts';

/** A broker of a test's own, with its data in a folder that outlives it. */
export class KillableBroker {
  readonly #watchdog: Watchdog;
  readonly #plan: ServicePlan;
  readonly bootstrapServers: string;
  #pid = 0;

  private constructor(watchdog: Watchdog, plan: ServicePlan, bootstrapServers: string) {
    this.#watchdog = watchdog;
    this.#plan = plan;
    this.bootstrapServers = bootstrapServers;
  }

  static async started(): Promise<KillableBroker> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-restart-'));
    const watchdog = startWatchdog(folder);
    const [broker, controller, registry] = (await freePorts(3)) as [number, number, number];
    const ports = { broker, controller, registry };
    const [plan] = await planServices({ folder, ports, durable: false, report() {} });
    const made = new KillableBroker(watchdog, plan!, `127.0.0.1:${broker}`);
    await made.start();
    return made;
  }

  /** Resolves once it answers. */
  async start(): Promise<void> {
    await startServices([this.#plan], {
      watchdog: this.#watchdog,
      withinMs: 120_000,
      onLaunched: async (_plan, identity) => {
        this.#pid = identity.pid;
      },
    });
  }

  /** It has no chance to finish anything. */
  kill(): void {
    process.kill(this.#pid, 'SIGKILL');
  }

  /** For good. */
  release(): void {
    this.#watchdog.release();
  }
}
