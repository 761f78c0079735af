/** A number for an event's identity, for sketches that keep the smallest hashes they saw. */

import type { Origin } from './generated/types.ts';

/** Largest hash: the largest number a record's long can hold. */
export const largestEventIdHash = Number.MAX_SAFE_INTEGER - 1;

/**
 * Hash of (cluster, node, agent, bootId, sequence): evenly spread over 0 to `largestEventIdHash`, the same on every
 * machine and in every version. It is in records that are kept: changing it makes old sketches meaningless.
 */
export function eventIdHash(origin: Origin): number {
  if (!isOf(last, origin)) last = prefixOf(origin);
  const { text, high, low } = last;
  const whole = text.length & ~1;
  const rest = `${text.slice(whole)}${origin.sequence}`;
  const length = whole + rest.length;
  const top = finished(blocks(high, rest), rest, length) >>> 11;
  return Math.min(top * 2 ** 32 + finished(blocks(low, rest), rest, length), largestEventIdHash);
}

type Source = Omit<Origin, 'sequence'>;

interface Prefix extends Source {
  readonly text: string;
  /** What the whole blocks of the text come to. */
  readonly high: number;
  readonly low: number;
}

/** Events come many of a source at a time, and differ in their sequence only. */
let last = prefixOf({ cluster: '', node: '', agent: '', bootId: '' });

function isOf(prefix: Prefix, { cluster, node, agent, bootId }: Source): boolean {
  return (
    prefix.bootId === bootId && prefix.node === node && prefix.agent === agent && prefix.cluster === cluster
  );
}

function prefixOf({ cluster, node, agent, bootId }: Source): Prefix {
  const text = `${cluster}\u0000${node}\u0000${agent}\u0000${bootId}\u0000`;
  const [high, low] = [blocks(0x9747b28c, text), blocks(0x3c6ef372, text)];
  return { cluster, node, agent, bootId, text, high, low };
}

/** Murmur3's 32-bit mixing over UTF-16 code units, two to a block; of whole blocks. */
function blocks(seed: number, text: string): number {
  let hash = seed;
  const even = text.length & ~1;
  for (let i = 0; i < even; i += 2) {
    hash ^= scrambled(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  return hash;
}

/** With what is left of the text, and the length of all of it; unsigned. */
function finished(state: number, text: string, length: number): number {
  let hash = state;
  if (text.length % 2 === 1) hash ^= scrambled(text.charCodeAt(text.length - 1));
  hash ^= length * 2;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scrambled(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
