/** A number for an event's identity, for sketches that keep the smallest hashes they saw. */

import type { Origin } from './generated/types.ts';

/** Largest hash: the largest number a record's long can hold. */
export const largestEventIdHash = Number.MAX_SAFE_INTEGER - 1;

/**
 * Hash of (cluster, node, agent, bootId, sequence): evenly spread over 0 to `largestEventIdHash`, the same on every
 * machine and in every version. It is in records that are kept: changing it makes old sketches meaningless.
 */
export function eventIdHash({ cluster, node, agent, bootId, sequence }: Origin): number {
  const text = `${cluster}\u0000${node}\u0000${agent}\u0000${bootId}\u0000${sequence}`;
  const high = hash32(text, 0x9747b28c) >>> 11;
  const low = hash32(text, 0x3c6ef372);
  return Math.min(high * 2 ** 32 + low, largestEventIdHash);
}

/** Murmur3's 32-bit mixing over UTF-16 code units, two to a block; unsigned. */
function hash32(text: string, seed: number): number {
  let hash = seed;
  const even = text.length & ~1;
  for (let i = 0; i < even; i += 2) {
    hash ^= scrambled(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  if (even < text.length) hash ^= scrambled(text.charCodeAt(even));
  hash ^= text.length * 2;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scrambled(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
