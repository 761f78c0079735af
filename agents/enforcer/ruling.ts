/**
 * What a rule means for an operation, and which of several rules is followed.
 *
 * Owns: action and stage → verdict, precedence among equally specific rules.
 * Does not own: specificity (path-rules.ts, peer-rules.ts).
 *
 * Among equally specific rules the strictest is followed as a whole: Block > Audit > Allow, by what it says to writing
 * first, then to reading. No rule denies reading and admits writing, so no denial is lost by that.
 */

import type { Verdict } from '#schemas';

export type Action = 'Allow' | 'Audit' | 'Block';

/** A policy in AUDIT tells what it would have denied, and denies nothing. */
export type Force = 'enforce' | 'audit';

/** The name under which the kernel reports a rule. */
export interface RuleName {
  readonly policyId: string;
  readonly ruleId: string;
  readonly generation: number;
  readonly severity: number;
}

export interface Ruling {
  readonly name: RuleName;
  /** For what does not write: reading, executing, connecting, a system call. */
  readonly read: Verdict;
  readonly write: Verdict;
}

export function denial(force: Force): Verdict {
  return force === 'enforce' ? 'DENY' : 'AUDIT';
}

export interface RulingOptions {
  readonly name: RuleName;
  readonly action: Action;
  readonly force: Force;
  /** Reading is admitted whatever the action is; writing is what the action forbids, and an Allow does not cover it. */
  readonly readOnly?: boolean;
}

export function ruling({ name, action, force, readOnly = false }: RulingOptions): Ruling {
  const verdict = action === 'Allow' ? 'ALLOW' : action === 'Audit' ? 'AUDIT' : denial(force);
  if (!readOnly) return { name, read: verdict, write: verdict };
  return { name, read: 'ALLOW', write: action === 'Audit' ? 'AUDIT' : denial(force) };
}

/** The posture of a class: what becomes of an operation that no rule names. */
export function posture(name: RuleName, force: Force): Ruling {
  return { name, read: denial(force), write: denial(force) };
}

/** The one to follow; undefined when there is none. Which of two equally strict ones is settled by their names. */
export function strictest(rulings: readonly Ruling[]): Ruling | undefined {
  let best: Ruling | undefined;
  for (const each of rulings) if (!best || compare(each, best) > 0) best = each;
  return best;
}

const weight: Readonly<Record<Verdict, number>> = { ALLOW: 0, AUDIT: 1, DENY: 2 };

function compare(a: Ruling, b: Ruling): number {
  const strictness = weight[a.write] - weight[b.write] || weight[a.read] - weight[b.read];
  if (strictness !== 0) return strictness;
  const [left, right] = [nameKey(a.name), nameKey(b.name)];
  return left < right ? 1 : left > right ? -1 : 0;
}

export function nameKey({ policyId, ruleId, generation }: RuleName): string {
  return `${policyId}\n${ruleId}\n${generation}`;
}
