import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Serde } from '../codec.ts';
import type { Policy, Stage } from '../generated/types.ts';

/** A policy of which mostly only the version is asked: the rest, a tenth of its record, until it is. */
export class PackedPolicy {
  readonly policyId: string;
  readonly generation: number;
  readonly digest: string;
  readonly prevDigest: string;
  readonly stage: Stage;
  readonly #packed: Uint8Array;

  constructor(policy: Policy) {
    const { policyId, generation, digest, prevDigest, stage } = policy;
    this.policyId = policyId;
    this.generation = generation;
    this.digest = digest;
    this.prevDigest = prevDigest;
    this.stage = stage;
    // A copy: what zlib gives is a part of a larger block.
    this.#packed = Uint8Array.from(deflateRawSync(JSON.stringify(policy), { level: 1 }));
  }

  unpack(): Policy {
    return JSON.parse(inflateRawSync(this.#packed).toString('utf8')) as Policy;
  }
}

/** Packed policies as the records they are made of. */
export function packedPolicySerde(records: Serde<Policy>): Serde<PackedPolicy> {
  return {
    serialize: packed => records.serialize(packed.unpack()),
    deserialize: bytes => new PackedPolicy(records.deserialize(bytes)),
  };
}
