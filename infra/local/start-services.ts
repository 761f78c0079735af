import type { ProcessIdentity } from './process-identity.ts';
import { launch, type ServicePlan, waitUntilAnswers } from './service.ts';
import type { Watchdog } from './watchdog.ts';

export interface StartOptions<N extends string> {
  /** Watches each process from its first moment; forgets one that ends. */
  readonly watchdog: Watchdog;
  readonly withinMs: number;
  readonly onLaunched?: (plan: ServicePlan<N>, identity: ProcessIdentity) => Promise<void>;
  readonly onReady?: (plan: ServicePlan<N>, startedInMs: number) => void;
}

/**
 * Starts all at once; resolves when all answer. After the first failure no other is started, and it rejects only when
 * no start is under way any more: whoever cleans up then misses nothing.
 */
export async function startServices<N extends string>(
  plans: readonly ServicePlan<N>[],
  options: StartOptions<N>,
): Promise<void> {
  const failed = new AbortController();
  await Promise.all(
    plans.map(plan => startOne(plan, options, failed.signal).catch((error: unknown) => failed.abort(error))),
  );
  failed.signal.throwIfAborted();
}

async function startOne<N extends string>(
  plan: ServicePlan<N>,
  options: StartOptions<N>,
  failed: AbortSignal,
): Promise<void> {
  const { watchdog, withinMs, onLaunched, onReady } = options;
  const started = performance.now();
  await plan.prepare();
  failed.throwIfAborted();
  const { child, identity } = await launch(plan);
  // Asked of the child, not noted when it says so: it may have ended before anybody listened.
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  if (!hasEnded()) {
    watchdog.watch(identity.pid);
    child.once('exit', () => watchdog.forget(identity.pid));
  }
  await onLaunched?.(plan, identity);
  const isAlive = () => {
    failed.throwIfAborted();
    return !hasEnded();
  };
  await waitUntilAnswers(plan, { withinMs, isAlive });
  onReady?.(plan, performance.now() - started);
}
