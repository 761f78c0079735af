/** What became of the records of an input. */

import type { FormatName, Outcome } from '#formats';

/** records = used + the sum of skipped + bad. */
export interface InputAccount {
  readonly name: string;
  /** Undefined: nothing was in it. */
  format: FormatName | 'topic' | undefined;
  records: number;
  used: number;
  readonly skipped: Map<string, number>;
  /** What the recording system says it lost. */
  lost: number;
  bad: number;
  /** The first few, each with its place. */
  readonly firstBad: string[];
}

const mostBad = 5;

export function openAccount(name: string, format: InputAccount['format']): InputAccount {
  return { ...{ name, format, records: 0, used: 0, skipped: new Map(), lost: 0, bad: 0 }, firstBad: [] };
}

/** Every outcome once; `placed` adds the place to what is wrong. Events that could not be used after all are bad. */
export function noteOutcome(
  account: InputAccount,
  outcome: Outcome,
  { failure, placed }: { readonly failure: string | undefined; readonly placed: (bad: string) => string },
): void {
  if ('skipped' in outcome) account.lost += outcome.lost ?? 0;
  if ('isDeferred' in outcome && outcome.isDeferred) return;
  account.records += 1;
  const bad = failure ?? ('bad' in outcome ? outcome.bad : undefined);
  if (bad !== undefined) {
    account.bad += 1;
    if (account.firstBad.length < mostBad) account.firstBad.push(placed(bad));
  } else if ('skipped' in outcome)
    account.skipped.set(outcome.skipped, (account.skipped.get(outcome.skipped) ?? 0) + 1);
  else account.used += 1;
}
