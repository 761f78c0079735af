/**
 * Which records of policies.v1 count, when discovery, verify and people write it side by side.
 *
 * Owns: the rule by which all readers agree without asking each other, and what a writer writes next.
 * Does not own: reading the topic, why a version is written.
 *
 * All records of a policy are in one partition, so all readers see them in one order. Invariants:
 * G1 The first record of a generation is the version of that generation. A writer writes the generation after the one it has
 *    seen, so of two that have seen the same one wins.
 * G2 A later record of that or an older generation is void, or a repeat when it says the same.
 * G3 Compaction keeps the last record, void or not; so whoever meets a void record writes the version that stands as the next
 *    generation. Several who do so write the same, which is a repeat.
 */

import type { Policy } from '../generated/types.ts';
import { canonicalJson } from './canonical.ts';
import { PackedPolicy } from './packed-policy.ts';

export type Succession = 'next' | 'repeat' | 'void';

type Version = Pick<Policy, 'generation' | 'digest' | 'prevDigest' | 'stage'>;

/** What a record is to the version that stands; both of one policy id. */
export function successionOf(standing: Version | undefined, record: Version): Succession {
  if (!standing || record.generation > standing.generation) return 'next';
  const isSame = record.generation === standing.generation && meaning(record) === meaning(standing);
  return isSame ? 'repeat' : 'void';
}

/** Evidence may differ from writer to writer, and changes nothing. */
function meaning({ digest, prevDigest, stage }: Version): string {
  return canonicalJson({ digest, prevDigest, stage });
}

export type VersionChange = Partial<
  Pick<Policy, 'stage' | 'target' | 'documents' | 'rules' | 'losses' | 'digest' | 'confidence'>
>;

/** The version after the one that stands; unsigned, since a signature is of one version. */
export function nextVersion(standing: Policy, change: VersionChange = {}): Policy {
  const { generation, digest } = standing;
  return { ...standing, ...change, generation: generation + 1, prevDigest: digest, signature: null };
}

/** The versions that stand, from all records of the topic in order; a tombstone ends a policy. */
export class StandingPolicies {
  readonly #standing = new Map<string, PackedPolicy>();
  readonly #unsettled = new Set<string>();

  apply({ key, value }: { readonly key: string; readonly value: Policy | null }): void {
    if (value === null) {
      this.#standing.delete(key);
      this.#unsettled.delete(key);
      return;
    }
    const succession = successionOf(this.#standing.get(key), value);
    if (succession === 'void') this.#unsettled.add(key);
    if (succession !== 'next') return;
    this.#standing.set(key, new PackedPolicy(value));
    this.#unsettled.delete(key);
  }

  get(policyId: string): Policy | undefined {
    return this.#standing.get(policyId)?.unpack();
  }

  /** Sorted by policy id. */
  all(): readonly Policy[] {
    const sorted = [...this.#standing.values()].sort((a, b) => (a.policyId < b.policyId ? -1 : 1));
    return sorted.map(policy => policy.unpack());
  }

  /** Policies of which a void record came after the version that stands (G3). */
  unsettled(): ReadonlySet<string> {
    return this.#unsettled;
  }
}
