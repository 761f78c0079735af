/** The pipelines as the processes they are, and the person who approves what they found. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { hostEnvironment } from '#config';
import type { Stack } from '#local';
import type { Policy, Stage } from '#schemas';

export interface PipelinesPlace {
  readonly stack: Stack;
  readonly tenant: string;
  readonly logs: string;
}

const names = ['enrich', 'discovery'] as const;

export class Pipelines {
  readonly #place: PipelinesPlace;
  readonly #children: ChildProcess[] = [];

  constructor(place: PipelinesPlace) {
    this.#place = place;
  }

  async start(): Promise<void> {
    for (const name of names) this.#children.push(this.#spawn(`pipelines/${name}/main.ts`, name, []));
  }

  /** `sluice policy promote`: says that exactly these versions are approved. */
  async promote(policies: readonly Policy[], stage: Stage): Promise<void> {
    const { stack, tenant } = this.#place;
    const child = this.#spawn('cli/main.ts', 'promote', [
      ...['policy', 'promote', ...policies.map(({ policyId }) => policyId), '--to', stage.toLowerCase()],
      ...['--reason', 'the loop', '--tenant', tenant],
      ...['--bootstrap-servers', stack.bootstrapServers, '--registry-url', stack.registryUrl],
    ]);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`sluice policy promote exited with ${code}: see promote.log`);
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }

  #spawn(script: string, name: string, args: readonly string[]): ChildProcess {
    const { stack, tenant, logs } = this.#place;
    const log = openSync(join(logs, `${name}.log`), 'w');
    return spawn(process.execPath, [script, ...args], {
      cwd: join(import.meta.dirname, '../..'),
      stdio: ['ignore', log, log],
      env: {
        ...hostEnvironment(),
        SLUICE_BOOTSTRAP_SERVERS: stack.bootstrapServers,
        SLUICE_REGISTRY_URL: stack.registryUrl,
        SLUICE_TENANT: tenant,
      },
    });
  }
}
