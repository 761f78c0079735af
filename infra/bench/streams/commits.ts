/** The independent observer: how far a group has committed, by the broker's word. */

import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import type { LogAdmin } from '#kafka';

export interface WatchOptions {
  readonly groupId: string;
  readonly topic: string;
  readonly partitions: number;
  /** Ends when so many records were committed, of all partitions together. */
  readonly records: number;
  readonly untilMs: number;
  /** Asked between two looks; throws to end the watch. */
  requireAlive(): void;
}

export interface Committed {
  /** By partition: records before it. */
  readonly offsets: readonly number[];
  /** When the broker said so: milliseconds since the epoch. */
  readonly atMs: number;
}

const lookAgainMs = 10;

export const totalOf = (offsets: readonly number[]): number =>
  offsets.reduce((sum, offset) => sum + offset, 0);

/** Resolves when all is committed, or with what was when the time was up; `atMs` is then the last progress. */
export async function watchCommits(admin: LogAdmin, options: WatchOptions): Promise<Committed> {
  const { groupId, topic, partitions, records, untilMs, requireAlive } = options;
  let last: Committed = { offsets: new Array<number>(partitions).fill(0), atMs: 0 };
  while (true) {
    const offsets = new Array<number>(partitions).fill(0);
    for (const { partition, offset } of await admin.committed(groupId, [topic])) offsets[partition] = offset;
    const atMs = Date.now();
    if (totalOf(offsets) > totalOf(last.offsets)) last = { offsets, atMs };
    if (totalOf(last.offsets) >= records || atMs > untilMs) break;
    requireAlive();
    await sleep(lookAgainMs);
  }
  if (totalOf(last.offsets) === 0)
    throw new SluiceError('TIMEOUT', `${groupId} committed nothing in its time`);
  return last;
}
