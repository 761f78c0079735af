/** What an emitter gives: documents, and what stands behind each of their rules. */

import { type AnyPolicyObject, type CiliumRule, type FlatRule, flattenAny } from '#policy';
import type { Evidence, PolicyRule } from '#schemas';

export interface Emitted {
  readonly object: AnyPolicyObject;
  /** By where a rule stands in the document: `spec.file.matchPaths[2]`. */
  readonly grounds: ReadonlyMap<string, Ground>;
}

export interface EmitOptions {
  /** Called with what was seen and is not in the documents, or admits more than was seen. */
  readonly lose: (what: string) => void;
  /** Whether what a document cannot say exactly is said wider; it is reported in either case. */
  readonly widen: boolean;
  /** Whether capabilities are restricted to those that were seen. */
  readonly capabilities: boolean;
  /** Whether rules are confined to the executables that were seen behind them. */
  readonly fromSource: boolean;
}

export interface Ground {
  readonly summary: string;
  /** Distinct objects seen that the rule admits. */
  readonly observed: number;
  readonly evidence: Evidence | null;
  /** What it admits that was not seen, in words; absent: nothing. */
  readonly admits?: string;
}

/** The rules of the document with what stands behind them, defaults included. */
export function policyRules({ object, grounds }: Emitted): PolicyRule[] {
  return flattenAny(object).map(rule => {
    const { summary, observed, evidence, admits = '' } = groundOf(rule, grounds);
    const unseen = admits === '' ? 0 : uncountable;
    const about = { ruleId: rule.ruleId, document: object.metadata.name, summary };
    return { ...about, observed, evidence, admits, unseen };
  });
}

function groundOf(rule: FlatRule | CiliumRule, grounds: Emitted['grounds']): Ground {
  if (rule.match.type !== 'default') return grounds.get(rule.at) ?? nothingSeen;
  return { ...nothingSeen, summary: `what was not seen (${rule.class}) is denied` };
}

/** Names that may come: nobody knows how many. */
const uncountable = -1;

const nothingSeen: Ground = { summary: '', observed: 0, evidence: null };
