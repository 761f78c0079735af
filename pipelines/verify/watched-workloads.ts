/**
 * The workloads behind the policies: what they were seen doing, and what of it their policy does not admit.
 *
 * Owns: profiles by policy, and which verdicts are still those of the profile and policy as they are.
 * Does not own: what follows from a verdict (verify-policies.ts).
 *
 * Verdicts are kept until behaviours or documents change: evidence alone comes often, and changes none of them.
 */

import { parseAnyDocument } from '#policy';
import { type BehaviourProfile, behaviourKey, type Policy, policyIdOf } from '#schemas';
import type { KeyValueStore } from '#streams';
import { PolicySet, type SeenAccess, seenAccesses } from '../discovery/index.ts';

export class WatchedWorkloads {
  readonly #profiles: KeyValueStore<string, BehaviourProfile>;
  readonly #containersOf = new Map<string, Set<string>>();
  /** When the behaviours or the policy last changed, by the clock; absent: it is judged. */
  readonly #due = new Map<string, number>();
  /** Places among `seenAccesses` of what the policy does not admit. */
  readonly #denied = new Map<string, readonly number[]>();

  constructor(profiles: KeyValueStore<string, BehaviourProfile>) {
    this.#profiles = profiles;
    for (const [key, profile] of profiles.all()) this.#note(key, profile);
  }

  /** Takes in a newer profile. True: only its evidence is new, so the verdicts stand. */
  put(profile: BehaviourProfile, nowMs: number): boolean {
    const key = behaviourKey(profile);
    const before = this.#profiles.get(key);
    this.#profiles.put(key, profile);
    this.#note(key, profile);
    if (before && meaning(before) === meaning(profile)) return true;
    this.touch(policyIdOf(profile), nowMs);
    return false;
  }

  /** The policy says something else now. */
  touch(policyId: string, nowMs: number): void {
    this.#due.set(policyId, nowMs);
  }

  forget(policyId: string): void {
    this.#due.delete(policyId);
    this.#denied.delete(policyId);
  }

  /** Policies to judge: nothing new came for `quietMs`. */
  quiet(nowMs: number, quietMs: number): string[] {
    return [...this.#due].filter(([, sinceMs]) => nowMs - sinceMs >= quietMs).map(([policyId]) => policyId);
  }

  /** What its workload was seen doing and the policy does not admit; valid until the next `touch` or `put`. */
  judge({ policyId, documents }: Pick<Policy, 'policyId' | 'documents'>): SeenAccess[] {
    const seen = seenAccesses(this.profilesOf(policyId));
    const set = new PolicySet(documents.map(parseAnyDocument));
    const denied = [...seen.keys()].filter(at => set.decide(seen[at]!.access).verdict === 'deny');
    this.#due.delete(policyId);
    this.#denied.set(policyId, denied);
    return denied.map(at => seen[at]!);
  }

  /** What was seen since then, and how much of it the policy does not admit. Undefined: that is not judged. */
  since(policyId: string, sinceUs: number): { seen: SeenAccess[]; denied: number } | undefined {
    const denied = this.#denied.get(policyId);
    if (!denied || this.#due.has(policyId)) return undefined;
    const all = seenAccesses(this.profilesOf(policyId));
    const isRecent = ({ evidence }: SeenAccess) => evidence.lastSeen >= sinceUs;
    return { seen: all.filter(isRecent), denied: denied.filter(at => isRecent(all[at]!)).length };
  }

  profilesOf(policyId: string): BehaviourProfile[] {
    return [...(this.#containersOf.get(policyId) ?? [])].map(key => this.#profiles.get(key)!);
  }

  #note(key: string, profile: BehaviourProfile): void {
    const policyId = policyIdOf(profile);
    const keys = this.#containersOf.get(policyId) ?? new Set();
    this.#containersOf.set(policyId, keys.add(key));
  }
}

/** What a verdict can depend on: everything but the evidence. */
function meaning({ selector, behaviours }: BehaviourProfile): string {
  return JSON.stringify([selector, behaviours.map(({ evidence: _, ...behaviour }) => behaviour)]);
}
