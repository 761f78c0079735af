/**
 * Whether what a contestant wrote is right.
 *
 * Owns: reading its output topic (committed records only) and comparing the last count of each key and window with the truth.
 * Does not own: the truth (workload.ts). A contestant whose output is wrong fails the bench: its speed means nothing.
 */

import { SluiceError } from '#errors';
import type { LogClient, LogRecord } from '#kafka';
import { countSerde, readWindowedKey } from './count-bytes.ts';
import { type Counts, keyOf, truthOf, type Workload, windowMs, windowsOf } from './workload.ts';

export interface Expectation {
  readonly contestant: string;
  readonly output: string;
  readonly workload: Workload;
  /** Offsets of the input that were committed, by partition: what comes out of the records before them must be there. */
  readonly committed: readonly number[];
  readonly guarantee: 'at-least-once' | 'exactly-once';
  readonly emit: 'each' | 'cached';
}

/** Resolves with how many records there are. Errors: BUG, saying what is wrong with whose output. */
export async function verifyOutput(client: LogClient, expectation: Expectation): Promise<number> {
  const { output, workload, committed, guarantee, emit, contestant } = expectation;
  const seen = new Tally(workload);
  const admin = await client.admin();
  const ranges = await admin.offsets(output);
  await admin.close();
  for (const { partition } of ranges)
    await client.read({
      topic: output,
      partition,
      from: 0,
      onBatch: ({ records }) => {
        for (const record of records) seen.add(record);
      },
    });
  const wrong = (why: string) => new SluiceError('BUG', `${contestant} (${output}): ${why}`);
  const covered = committed.reduce((sum, offset) => sum + offset, 0);
  const whole = covered === workload.records;
  const fault = differenceOf(seen.last, truthOf(workload, committed), whole ? undefined : truthOf(workload));
  if (fault) throw wrong(fault);
  if (emit === 'each' && seen.records < covered)
    throw wrong(`${seen.records} counts for ${covered} records, though each was to be emitted`);
  if (guarantee === 'exactly-once' && seen.repeated > 0)
    throw wrong(`${seen.repeated} counts do not exceed the one before them, under exactly-once`);
  return seen.records;
}

/** What is wrong with counts that must be `least`, or between `least` and `most`; undefined: nothing. */
export function differenceOf(counts: Counts, least: Counts, most: Counts = least): string | undefined {
  for (let at = 0; at < least.length; at += 1)
    if (counts[at]! < least[at]! || counts[at]! > most[at]!)
      return `entry ${at} (window by key) is ${counts[at]}, expected ${least[at]}${most === least ? '' : ` to ${most[at]}`}`;
  return undefined;
}

/** The last count by key and window, in the order of each partition. */
export class Tally {
  records = 0;
  /** Counts that were not higher than the one before them. */
  repeated = 0;
  readonly last: Counts;
  readonly #workload: Workload;

  constructor(workload: Workload) {
    this.#workload = workload;
    this.last = new Int32Array(windowsOf(workload) * workload.keys);
  }

  /** Errors: BUG for a record that is no count of the workload. */
  add({ key, value }: Pick<LogRecord, 'key' | 'value'>): void {
    const at = placeOf(key, this.#workload);
    if (at < 0 || at >= this.last.length || value?.length !== 8)
      throw new SluiceError('BUG', `an output ${key} → ${value?.length} bytes is no count of the workload`);
    const count = countSerde.deserialize(value);
    if (count <= this.last[at]!) this.repeated += 1;
    this.last[at] = count;
    this.records += 1;
  }
}

/** Where counts hold a key and window; -1 when it is none of the workload. */
export function placeOf(bytes: Buffer | null, { keys, startMs }: Workload): number {
  const read = bytes && readWindowedKey(bytes);
  if (!read?.key.startsWith('key-')) return -1;
  const key = Number(read.key.slice(4));
  const window = (read.startMs - startMs) / windowMs;
  const isPlace = read.key === keyOf(key) && key >= 0 && key < keys && Number.isInteger(key);
  return isPlace && Number.isInteger(window) && window >= 0 ? window * keys + key : -1;
}
