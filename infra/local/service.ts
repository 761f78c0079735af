/**
 * One program of the stack: starting it, waiting until it answers, saying why it did not.
 *
 * Owns: the log file, the child. Does not own: what it runs (broker.ts, registry.ts), when it ends (stack).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import { identify, type ProcessIdentity } from './process-identity.ts';

/** Of the stack. */
export type ServiceName = 'broker' | 'registry' | 'redis';

export interface ServicePlan<N extends string = ServiceName> {
  readonly name: N;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** What is left to do before it can start. */
  readonly prepare: () => Promise<void>;
  readonly answers: () => Promise<boolean>;
}

export interface RunningService {
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
}

const lookAgainMs = 100;
const shownLines = 15;

/**
 * Starts it in a session of its own, so that an interrupt at the terminal does not reach it. The log of the run before is kept
 * beside the new one as `.previous`. Errors: UNREACHABLE when it cannot be started.
 */
export async function launch(plan: ServicePlan<string>): Promise<RunningService> {
  await mkdir(dirname(plan.logFile), { recursive: true });
  await rename(plan.logFile, `${plan.logFile}.previous`).catch(() => {});
  const log = await open(plan.logFile, 'a');
  try {
    const child = spawn(plan.program, plan.args, {
      cwd: plan.cwd,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = await identify(child.pid ?? 0);
    if (identity === undefined) throw await failure(plan, 'ended at once');
    return { identity, child };
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('UNREACHABLE', `The ${plan.name} could not be started: ${error}`, { cause: error });
  } finally {
    await log.close();
  }
}

export interface WaitOptions {
  readonly withinMs: number;
  /** False once the process is gone. */
  readonly isAlive: () => boolean | Promise<boolean>;
}

/** Resolves when the service answers. Errors: UNREACHABLE with the end of its log when it died, TIMEOUT when it never answers. */
export async function waitUntilAnswers(
  plan: ServicePlan<string>,
  { withinMs, isAlive }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (true) {
    // Asked first: something else may answer on the port of a service that has died.
    if (!(await isAlive())) throw await failure(plan, 'ended while starting');
    if (await plan.answers()) return;
    if (performance.now() > deadline) {
      throw new SluiceError(
        'TIMEOUT',
        `The ${plan.name} did not answer within ${withinMs / 1000} s. The end of ${plan.logFile}:\n${await tail(plan.logFile)}`,
      );
    }
    await sleep(lookAgainMs);
  }
}

/** True for the error of a service that lost the race for its port. */
export function isPortClash(error: unknown): boolean {
  return (
    error instanceof SluiceError && /Address already in use|BindException|already bound/i.test(error.message)
  );
}

async function failure(plan: ServicePlan<string>, what: string): Promise<SluiceError> {
  return new SluiceError(
    'UNREACHABLE',
    `The ${plan.name} ${what}. The end of ${plan.logFile}:\n${await tail(plan.logFile)}`,
  );
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '(no log)');
  return text.trim().split('\n').slice(-shownLines).join('\n');
}
