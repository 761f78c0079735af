import { z } from 'zod';

/** What one process of an application says of itself. */
export interface ProcessFigures {
  readonly state: string;
  readonly recordsPerSecond: number;
  /** Average of the last minute. */
  readonly recordMs: number;
  readonly commitMs: number;
  /** Since its start. */
  readonly late: number;
  readonly dropped: number;
  readonly deadLetters: number;
  readonly restarts: number;
  readonly lagRecords: number;
  /** Offsets left of the stores that are being restored; 0 when none is. */
  readonly restoreLeft: number;
}

/** What a process answers at `/metrics?format=json`. */
export type AskProcess = (endpoint: string) => Promise<unknown>;

const recent = z.object({ perSecond: z.number(), averageMs: z.number() });
const told = z.object({
  state: z.string(),
  metrics: z.object({
    counters: z.record(z.string(), z.number()),
    commits: z.object({ recent }),
    restarts: z.number(),
    tasks: z.array(z.string()),
    lag: z.number(),
    measured: z.array(z.object({ taskId: z.string(), recent })),
    restoring: z.array(z.object({ left: z.number() })),
  }),
});

/** Errors: one that says what is wrong with the answer. */
export function processFigures(answer: unknown): ProcessFigures {
  const parsed = told.safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(
      `it answers something else than its metrics (${issue?.path.join('.')}: ${issue?.message})`,
    );
  }
  const { state, metrics } = parsed.data;
  const { counters, commits, restarts, tasks, lag, measured, restoring } = metrics;
  const held = measured.filter(({ taskId }) => tasks.includes(taskId));
  const perSecond = held.reduce((sum, task) => sum + task.recent.perSecond, 0);
  const busyMs = held.reduce((sum, task) => sum + task.recent.perSecond * task.recent.averageMs, 0);
  const sumOf = (prefix: string) =>
    Object.entries(counters).reduce((sum, [name, count]) => (name.startsWith(prefix) ? sum + count : sum), 0);
  return {
    state,
    recordsPerSecond: perSecond,
    recordMs: perSecond === 0 ? 0 : busyMs / perSecond,
    commitMs: commits.recent.averageMs,
    late: counters['records.late'] ?? 0,
    dropped: sumOf('records.dropped.'),
    deadLetters: counters['records.dead-letters'] ?? 0,
    restarts,
    lagRecords: lag,
    restoreLeft: restoring.reduce((sum, { left }) => sum + left, 0),
  };
}

const patienceMs = 2_000;

/** Over HTTP, with the token where there is one. Errors: one that says why there is no answer. */
export function askOverHttp(token: string | undefined): AskProcess {
  return async endpoint => {
    let response: Response;
    try {
      response = await fetch(`http://${endpoint}/metrics?format=json`, {
        headers: token ? { authorization: `Bearer ${token}` } : {},
        signal: AbortSignal.timeout(patienceMs),
        redirect: 'error',
      });
    } catch (error) {
      const { message, cause } = error as Error;
      throw new Error(cause instanceof Error ? cause.message || cause.name : message);
    }
    if (response.status === 401)
      throw new Error('it wants a token: --streams-token, or SLUICE_STREAMS_TOKEN');
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return response.json();
  };
}
