/** What an emitter gives: documents, and what stands behind each of their rules. */

import { type FlatRule, flattenRules, type PolicyObject } from '#policy';
import type { Evidence, PolicyRule } from '#schemas';

export interface Emitted {
  readonly object: PolicyObject;
  /** By where a rule stands in the document: `spec.file.matchPaths[2]`. */
  readonly grounds: ReadonlyMap<string, Ground>;
}

export interface Ground {
  readonly summary: string;
  /** Distinct objects seen that the rule admits. */
  readonly observed: number;
  readonly evidence: Evidence | null;
}

/** The rules of the document with what stands behind them, defaults included. */
export function policyRules({ object, grounds }: Emitted): PolicyRule[] {
  return flattenRules(object).map(rule => {
    const { summary, observed, evidence } = groundOf(rule, grounds);
    return { ruleId: rule.ruleId, document: object.metadata.name, summary, observed, evidence };
  });
}

function groundOf(rule: FlatRule, grounds: Emitted['grounds']): Ground {
  if (rule.match.type !== 'default') return grounds.get(rule.at) ?? nothingSeen;
  return { ...nothingSeen, summary: `what was not seen (${rule.class}) is denied` };
}

const nothingSeen: Ground = { summary: '', observed: 0, evidence: null };
