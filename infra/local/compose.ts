/**
 * The stack under a Docker engine, by docker-compose.kafka.yml.
 *
 * Owns: whether there is an engine, the docker commands. Does not own: what the services are (the compose file).
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostEnvironment } from '#config';
import { SluiceError } from '#errors';
import type { StackPorts } from './plan.ts';

export interface ComposeProject {
  /** Folder of the stack: each has containers and volumes of its own. */
  readonly folder: string;
  readonly ports: StackPorts;
}

const run = promisify(execFile);
const composeFile = join(import.meta.dirname, '..', '..', 'docker-compose.kafka.yml');
const probeWithinMs = 10_000;
/** What `sluice up` starts; the file has more. */
const started = ['broker', 'registry'];

/** True when an engine answers and the compose plugin is there. */
export async function hasComposeEngine(): Promise<boolean> {
  try {
    await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeout: probeWithinMs });
    await run('docker', ['compose', 'version'], { timeout: probeWithinMs });
    return true;
  } catch {
    return false;
  }
}

/** Starts what does not run; resolves when the health checks pass. Errors: UNREACHABLE with the engine's words. */
export async function composeUp(
  project: ComposeProject,
  { redis, readyWithinMs }: { readonly redis: boolean; readonly readyWithinMs: number },
): Promise<void> {
  const waitS = String(Math.ceil(readyWithinMs / 1000));
  await compose(project, [
    'up',
    '--detach',
    '--wait',
    '--wait-timeout',
    waitS,
    ...started,
    ...(redis ? ['redis'] : []),
  ]);
}

/** Stops and removes the containers; with `volumes` their data too. */
export async function composeDown(
  project: ComposeProject,
  { volumes }: { readonly volumes: boolean },
): Promise<void> {
  await compose(project, ['down', ...(volumes ? ['--volumes'] : [])]);
}

async function compose({ folder, ports }: ComposeProject, args: readonly string[]): Promise<void> {
  const name = `sluice-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`;
  const env = {
    ...hostEnvironment(),
    SLUICE_BROKER_PORT: String(ports.broker),
    SLUICE_REGISTRY_PORT: String(ports.registry),
    SLUICE_REDIS_PORT: String(ports.redis),
  };
  try {
    await run('docker', ['compose', '--file', composeFile, '--project-name', name, ...args], { env });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new SluiceError(
      'UNREACHABLE',
      `docker compose ${args[0]} failed. To run without Docker: sluice up --engine jvm. It said:\n${said}`,
      { cause: error },
    );
  }
}
