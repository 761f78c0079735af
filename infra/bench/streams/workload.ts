/**
 * The records that every contestant reads, and the counts it must come to.
 *
 * Record i has key `i` scattered over the keys, and event time `startMs` + i / 10 ms: a million records span 100 s, ten
 * windows. Pure: the truth is counted from the definition, not from what a contestant or the broker says.
 */

import { partitionOf } from '#kafka';

export interface Workload {
  readonly records: number;
  readonly keys: number;
  readonly partitions: number;
  readonly valueBytes: number;
  /** Event time of the first record; a whole number of windows. */
  readonly startMs: number;
}

export const windowMs = 10_000;
const recordsPerMs = 10;
/** A prime: neighbours in time get distant keys, and of as many records as there are keys each has one. */
const scatter = 48_271;

export const keyIndexOf = (i: number, keys: number): number => (i * scatter) % keys;
export const keyOf = (index: number): string => `key-${index}`;
export const timeOf = ({ startMs }: Workload, i: number): number => startMs + Math.floor(i / recordsPerMs);

export const windowsOf = ({ records }: Workload): number =>
  Math.floor((Math.max(1, records) - 1) / (recordsPerMs * windowMs)) + 1;

/** JSON text of exactly `valueBytes`, as an event of a host would be. */
export function payloadOf({ valueBytes, keys }: Workload, i: number): string {
  const head = `{"seq":${i},"host":"${keyOf(keyIndexOf(i, keys))}","severity":${i % 8},"message":"`;
  return `${head.padEnd(valueBytes - 2, 'x')}"}`;
}

/** Counts by window and key: `counts[window * keys + key]`. */
export type Counts = Int32Array;

/** The counts of the first so many records of each partition; absent: of all records. */
export function truthOf(workload: Workload, upTo?: readonly number[]): Counts {
  const { records, keys, partitions, startMs } = workload;
  const counts = new Int32Array(windowsOf(workload) * keys);
  const partition = upTo && partitionsOfKeys(keys, partitions);
  const passed = new Array<number>(partitions).fill(0);
  for (let i = 0; i < records; i += 1) {
    const key = keyIndexOf(i, keys);
    if (partition) {
      const p = partition[key]!;
      if (passed[p]! >= upTo[p]!) continue;
      passed[p]! += 1;
    }
    counts[Math.floor((timeOf(workload, i) - startMs) / windowMs) * keys + key]! += 1;
  }
  return counts;
}

function partitionsOfKeys(keys: number, partitions: number): Uint16Array {
  return Uint16Array.from({ length: keys }, (_, key) => partitionOf(Buffer.from(keyOf(key)), partitions));
}
