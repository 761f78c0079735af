/**
 * The stack of a checkout, as JVMs that stay when the command that started them ends.
 *
 * Invariants:
 * K1 Of two commands at once, one works and the other waits (lock.ts).
 * K2 A start that fails or is interrupted, however, leaves nothing behind that it started (watchdog.ts).
 * K3 What runs already is never touched by a start: it is adopted as it is, or the start is refused.
 */

import { SluiceError } from '#errors';
import type { GuestListener } from './broker.ts';
import { planServices, type StackPorts } from './plan.ts';
import { requireFree } from './ports.ts';
import { endProcess, isRunning } from './process-identity.ts';
import { type ServiceName, type ServicePlan, waitUntilAnswers } from './service.ts';
import { startServices } from './start-services.ts';
import { type StackState, writeState } from './state.ts';
import { versions } from './versions.ts';
import { startWatchdog } from './watchdog.ts';

export interface CheckoutSetup {
  readonly folder: string;
  readonly ports: StackPorts;
  readonly guestListener: GuestListener | undefined;
  /** Whether Redis belongs to it. */
  readonly redis: boolean;
  readonly report: (line: string) => void;
  readonly readyWithinMs: number;
}

export const serviceNames = ['broker', 'registry', 'redis'] as const satisfies readonly ServiceName[];

/** How long a service may take to end when asked: a broker flushes its log. */
const endWithinMs = 30_000;

/** Names of the services that run. */
export async function runningServices(state: StackState | undefined): Promise<readonly ServiceName[]> {
  const running = await Promise.all(
    serviceNames.map(async name => {
      const identity = state?.services[name];
      return identity !== undefined && (await isRunning(identity)) ? name : undefined;
    }),
  );
  return running.filter(name => name !== undefined);
}

/** Starts what does not run and waits for all of it. Resolves with how many were started. The caller holds the lock. */
export async function startMissing(setup: CheckoutSetup, before: StackState | undefined): Promise<number> {
  const { folder, ports, guestListener, redis, report, readyWithinMs } = setup;
  const running = await runningServices(before);
  const missing = serviceNames.filter(name => !running.includes(name) && (redis || name !== 'redis'));
  await requirePorts(setup, missing);

  const plans = await planServices({ folder, ports, guestListener, redis, durable: true, report });
  const state: StackState = {
    engine: 'jvm',
    ports,
    ...(guestListener !== undefined && { guestListener }),
    versions: { kafka: versions.kafka, registry: versions.registry },
    services: { ...before?.services },
    redis,
  };
  for (const plan of plans) if (running.includes(plan.name)) await awaitAdopted(plan, state, setup);

  let saved = Promise.resolve();
  const watchdog = startWatchdog();
  try {
    await startServices(
      plans.filter(plan => missing.includes(plan.name)),
      {
        watchdog,
        withinMs: readyWithinMs,
        onLaunched(plan, identity) {
          state.services[plan.name] = identity;
          saved = saved.then(() => writeState(folder, state));
          return saved;
        },
        onReady(plan, startedInMs) {
          const pid = state.services[plan.name]?.pid;
          report(
            `${plan.name}: started in ${(startedInMs / 1000).toFixed(1)} s, pid ${pid}, log ${plan.logFile}`,
          );
        },
      },
    );
    for (const name of missing) watchdog.forget(state.services[name]?.pid ?? 0);
    return missing.length;
  } finally {
    await watchdog.release();
  }
}

/** It answers within a moment unless somebody else is starting it or it hangs. */
async function awaitAdopted(plan: ServicePlan, state: StackState, setup: CheckoutSetup): Promise<void> {
  const identity = state.services[plan.name];
  if (identity === undefined) return;
  await waitUntilAnswers(plan, { withinMs: setup.readyWithinMs, isAlive: () => isRunning(identity) });
  setup.report(`${plan.name}: runs already, pid ${identity.pid}, log ${plan.logFile}`);
}

async function requirePorts(setup: CheckoutSetup, missing: readonly ServiceName[]): Promise<void> {
  const { ports, guestListener } = setup;
  const option = (name: string) =>
    `choose another port with --${name}-port, or ${name}Port in the configuration`;
  if (missing.includes('broker')) {
    await requireFree(ports.broker, 'broker', option('broker'));
    await requireFree(ports.controller, "broker's controller", option('controller'));
    if (guestListener)
      await requireFree(guestListener.port, "broker's guest listener", 'choose another guest port');
  }
  if (missing.includes('registry')) await requireFree(ports.registry, 'schema registry', option('registry'));
  if (missing.includes('redis')) await requireFree(ports.redis, 'Redis', option('redis'));
}

export interface Wanted {
  readonly ports: Partial<StackPorts>;
  readonly guestListener: GuestListener | undefined;
  readonly engine: StackState['engine'] | undefined;
}

/** Errors: CONFIG_INVALID when what runs is not what is asked for. */
export function requireSame(state: StackState, { ports, guestListener, engine }: Wanted): void {
  const differences = Object.entries(ports)
    .filter(([name, port]) => port !== state.ports[name as keyof StackPorts])
    .filter(([name]) => name !== 'redis' || state.redis)
    .map(([name, port]) => `${name} port ${state.ports[name as keyof StackPorts]}, not ${port}`);
  const has = state.guestListener;
  if (
    guestListener !== undefined &&
    (guestListener.port !== has?.port || guestListener.advertisedHost !== has.advertisedHost)
  ) {
    differences.push(has === undefined ? 'no guest listener' : 'another guest listener');
  }
  if (engine !== undefined && engine !== state.engine)
    differences.push(`engine ${state.engine}, not ${engine}`);
  for (const part of ['kafka', 'registry'] as const) {
    if (state.versions[part] !== versions[part])
      differences.push(`${part} ${state.versions[part]}, not ${versions[part]}`);
  }
  if (differences.length === 0) return;
  throw new SluiceError(
    'CONFIG_INVALID',
    `The stack runs already with ${differences.join('; ')}. Stop it first (sluice down; its data stays), or leave those options out`,
  );
}

/** Ends what runs; the registry first, so that nobody is served by half a stack for long. Resolves with what it ended. */
export async function endServices(
  state: StackState,
  report: (line: string) => void,
): Promise<readonly ServiceName[]> {
  const ended: ServiceName[] = [];
  for (const name of ['redis', 'registry', 'broker'] as const) {
    const identity = state.services[name];
    if (identity === undefined) continue;
    const how = await endProcess(identity, endWithinMs);
    if (how === 'gone') continue;
    ended.push(name);
    report(
      `${name}: ${how === 'ended' ? 'stopped' : `killed after ${endWithinMs / 1000} s`}, pid ${identity.pid}`,
    );
  }
  return ended;
}
