/** What a replay found, beside what is in force. Pure. */

import { type AnyPolicyObject, parseAnyDocument } from '#policy';
import { type BehaviourProfile, type Policy, policyIdOf, type Stage } from '#schemas';
import { compareRules, diffPolicies, type PolicyDiff, seenAccesses } from '../../discovery/index.ts';

/**
 * same: byte for byte. reworded: other documents that admit the same, as far as was looked at. differs: they admit other things.
 * missing: the replay has none. new: policies.v1 has none.
 */
export type Agreement = 'same' | 'reworded' | 'differs' | 'missing' | 'new';

export interface PolicyComparison {
  readonly policyId: string;
  readonly agreement: Agreement;
  readonly live: { readonly generation: number; readonly stage: Stage; readonly digest: string } | null;
  readonly replayed: { readonly digest: string } | null;
  /** What the replay's policy would admit and the live one does not, in words; and the other way round. */
  readonly opens: readonly string[];
  readonly closes: readonly string[];
  readonly rules: { readonly added: readonly string[]; readonly removed: readonly string[] };
}

/** By policy id. A policy that was removed or retired counts as none. */
export function compareLive(
  {
    policies,
    profiles,
  }: { readonly policies: readonly Policy[]; readonly profiles: readonly BehaviourProfile[] },
  published: readonly Policy[],
): PolicyComparison[] {
  const live = new Map(
    published.filter(({ stage }) => stage !== 'RETIRED').map(policy => [policy.policyId, policy]),
  );
  const replayed = new Map(policies.map(policy => [policy.policyId, policy]));
  const seen = Map.groupBy(profiles, policyIdOf);
  const ids = [...new Set([...live.keys(), ...replayed.keys()])].sort();
  return ids.map(policyId =>
    compareOne(policyId, {
      ...{ live: live.get(policyId), replayed: replayed.get(policyId), profiles: seen.get(policyId) ?? [] },
    }),
  );
}

interface Pair {
  readonly live: Policy | undefined;
  readonly replayed: Policy | undefined;
  readonly profiles: readonly BehaviourProfile[];
}

function compareOne(policyId: string, { live, replayed, profiles }: Pair): PolicyComparison {
  const told = {
    policyId,
    live: live ? { generation: live.generation, stage: live.stage, digest: live.digest } : null,
    replayed: replayed ? { digest: replayed.digest } : null,
  };
  const none = { opens: [], closes: [], rules: { added: [], removed: [] } };
  if (!live || !replayed) return { ...told, agreement: live ? 'missing' : 'new', ...none };
  if (live.digest === replayed.digest) return { ...told, agreement: 'same', ...none };
  const [before, after] = [documentsOf(live), documentsOf(replayed)];
  const diff = diffPolicies(
    before,
    after,
    seenAccesses(profiles).map(({ access }) => access),
  );
  const [opens, closes] = [inWords(diff.opens), inWords(diff.closes)];
  const agreement = opens.length + closes.length + diff.audits.length === 0 ? 'reworded' : 'differs';
  return { ...told, agreement, opens, closes, rules: compareRules(before, after) };
}

function documentsOf({ documents }: Policy): AnyPolicyObject[] {
  return documents.map(parseAnyDocument);
}

function inWords(differences: PolicyDiff['opens']): string[] {
  return [...new Set(differences.map(({ what }) => what))].sort();
}
