/**
 * A profile as discovery keeps it: packed, with a hash of what policies depend on.
 *
 * Owns: that ten thousand profiles take little memory while none of them is looked at. Of a profile of 500 behaviours, packed
 * is a seventh of its record, and a hundredth of its objects.
 */

import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type BehaviourProfile, type Evidence, policyIdOf, type Serde } from '#schemas';

export class HeldProfile {
  readonly policyId: string;
  /** Hash of all that a policy can depend on: everything but the evidence; where there were alerts, also its times. */
  readonly meaning: string;
  readonly #packed: Uint8Array;

  constructor(profile: BehaviourProfile, records: Serde<BehaviourProfile>) {
    this.policyId = policyIdOf(profile);
    this.meaning = meaningOf(profile);
    // A copy: what zlib gives is a part of a larger block.
    this.#packed = Uint8Array.from(deflateRawSync(records.serialize(profile), { level: 3 }));
  }

  /** As a record. */
  get bytes(): Buffer {
    return inflateRawSync(this.#packed);
  }
}

/** Held profiles as the records they are made of. */
export function heldProfileSerde(records: Serde<BehaviourProfile>): Serde<HeldProfile> {
  return {
    serialize: held => held.bytes,
    deserialize: bytes => new HeldProfile(records.deserialize(bytes), records),
  };
}

/** Hash of all that a policy can depend on, and a verdict on the workload. */
export function meaningOf({ behaviours, ...profile }: BehaviourProfile): string {
  const timesOf = ({ firstSeen, lastSeen, days }: Evidence) =>
    profile.alerts.length > 0 ? [firstSeen, lastSeen, days] : null;
  // Records have their fields in one order, so this text is the same for the same.
  return hash(
    'sha256',
    JSON.stringify([profile, behaviours.map(({ evidence, ...each }) => [each, timesOf(evidence)])]),
    'base64',
  );
}
