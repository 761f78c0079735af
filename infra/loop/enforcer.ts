/** The enforcer in the guest: started, ended as it may end, killed as it must not. */

import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest, GuestProcess } from '#guest';

export interface EnforcerPlace {
  readonly guest: Guest;
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  readonly tenant: string;
  readonly cluster: string;
  readonly node: string;
  /** Where what it prints goes. */
  readonly logPath: string;
  /** Told what a human should know. */
  readonly onNote: (text: string) => void;
}

const main = 'agents/enforcer/main.ts';
const silenceLimitMs = 120_000;

export class LoopEnforcer {
  readonly #place: EnforcerPlace;
  readonly #log: WriteStream;
  #process: GuestProcess | undefined;

  constructor(place: EnforcerPlace) {
    this.#place = place;
    this.#log = createWriteStream(place.logPath);
  }

  /** Resolves with its first line. */
  async start(retries = 1): Promise<void> {
    const { guest, bootstrapServers, registryUrl, tenant, cluster, node } = this.#place;
    const settings = {
      SLUICE_BOOTSTRAP_SERVERS: bootstrapServers,
      SLUICE_REGISTRY_URL: registryUrl,
      SLUICE_TENANT: tenant,
      SLUICE_CLUSTER: cluster,
      SLUICE_NODE: node,
      SLUICE_HEALTH_MS: '1000',
    };
    const env = Object.entries(settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
    const spoke = Promise.withResolvers<'spoke'>();
    this.#process = await guest.spawn(`exec env ${env} node ${main}`, {
      onOutput: text => {
        spoke.resolve('spoke');
        this.#log.write(text);
      },
    });
    const silent = sleep(silenceLimitMs, 'silent' as const, { ref: false });
    if ((await Promise.race([spoke.promise, silent])) === 'spoke') return;
    if (retries === 0) throw new Error(`the enforcer said nothing for ${silenceLimitMs / 1000} s, twice`);
    // Seen now and then in an emulated CPU: the process hangs before its first line. A supervisor would start it again.
    this.#place.onNote(`the enforcer said nothing for ${silenceLimitMs / 1000} s and is started again`);
    await this.kill();
    await this.start(retries - 1);
  }

  /** SIGTERM: it sends what it holds and leaves enforcement pinned. */
  async end(): Promise<void> {
    this.#process?.kill('TERM');
    await this.#process?.exited;
  }

  /** SIGKILL to both halves; resolves when neither runs. */
  async kill(): Promise<void> {
    const { exitCode, output } = await this.#place.guest.exec(
      `pkill -9 -f '^([^ ]*/)?node ${main}'; pkill -9 -x sluice-loader
       for i in $(seq 50); do pgrep -f '^([^ ]*/)?node ${main}' || pgrep -x sluice-loader || exit 0; sleep 0.1; done; exit 1`,
    );
    if (exitCode !== 0) throw new Error(`the enforcer survived kill -9: ${output}`);
    await this.#process?.exited;
  }

  close(): void {
    this.#log.end();
  }
}
