/**
 * The workloads behind the policies: what they were seen doing, and what of it their policy does not admit.
 *
 * Owns: profiles by policy, and which verdicts are still those of the profile and policy as they are.
 * Does not own: what follows from a verdict (verify-policies.ts).
 *
 * Verdicts are kept until behaviours or documents change: evidence alone comes often, and changes none of them.
 */

import { parseAnyDocument } from '#policy';
import { type BehaviourProfile, behaviourKey, type Policy, type Serde } from '#schemas';
import type { KeyValueStore } from '#streams';
import { HeldProfile, PolicySet, type SeenAccess, seenAccesses } from '../discovery/index.ts';

export interface Since {
  readonly profiles: readonly BehaviourProfile[];
  readonly seen: readonly SeenAccess[];
  /** How many of `seen` the policy does not admit. */
  readonly denied: number;
}

export class WatchedWorkloads {
  readonly #profiles: KeyValueStore<string, HeldProfile>;
  readonly #records: Serde<BehaviourProfile>;
  readonly #containersOf = new Map<string, Set<string>>();
  /** When the behaviours or the policy last changed, by the clock; absent: it is judged. */
  readonly #due = new Map<string, number>();
  /** Places among `seenAccesses` of what the policy does not admit. */
  readonly #denied = new Map<string, readonly number[]>();

  constructor(profiles: KeyValueStore<string, HeldProfile>, records: Serde<BehaviourProfile>) {
    this.#profiles = profiles;
    this.#records = records;
    for (const [key, held] of profiles.all()) this.#note(key, held);
  }

  /** Takes in a newer profile. True: only its evidence is new, so the verdicts stand. */
  put(profile: BehaviourProfile, nowMs: number): boolean {
    const key = behaviourKey(profile);
    const before = this.#profiles.get(key);
    const held = new HeldProfile(profile, this.#records);
    this.#profiles.put(key, held);
    this.#note(key, held);
    if (before?.meaning === held.meaning) return true;
    this.touch(held.policyId, nowMs);
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
  since(policyId: string, sinceUs: number): Since | undefined {
    const denied = this.#denied.get(policyId);
    if (!denied || this.#due.has(policyId)) return undefined;
    const profiles = this.profilesOf(policyId);
    const all = seenAccesses(profiles);
    const isRecent = ({ evidence }: SeenAccess) => evidence.lastSeen >= sinceUs;
    const count = denied.filter(at => isRecent(all[at]!)).length;
    return { profiles, seen: all.filter(isRecent), denied: count };
  }

  profilesOf(policyId: string): BehaviourProfile[] {
    const keys = [...(this.#containersOf.get(policyId) ?? [])];
    return keys.map(key => this.#records.deserialize(this.#profiles.get(key)!.bytes));
  }

  #note(key: string, { policyId }: HeldProfile): void {
    const keys = this.#containersOf.get(policyId) ?? new Set();
    this.#containersOf.set(policyId, keys.add(key));
  }
}
