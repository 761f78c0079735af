/**
 * Counts, from the topics alone, which sequence numbers of an agent arrived.
 *
 * Owns: the proof of I8 that an outsider can make: arrived + declared drops = numbers given out.
 * Does not own: the agent's own books (AgentHealth).
 */

import type { Origin } from '#schemas';

export interface Account {
  readonly bootId: string;
  /** Numbers 1..highest that arrived at least once. */
  readonly arrived: number;
  readonly highest: number;
  /** Records that arrived again: at-least-once delivery at work, not a fault. */
  readonly duplicates: number;
  /** Runs of numbers that never arrived, as [first, last]. */
  readonly gaps: readonly (readonly [number, number])[];
}

export class Ledger {
  readonly #seen = new Map<string, Set<number>>();
  readonly #duplicates = new Map<string, number>();

  add(origin: Origin): void {
    const seen = this.#seen.get(origin.bootId);
    if (!seen) {
      this.#seen.set(origin.bootId, new Set([origin.sequence]));
    } else if (seen.has(origin.sequence)) {
      this.#duplicates.set(origin.bootId, (this.#duplicates.get(origin.bootId) ?? 0) + 1);
    } else {
      seen.add(origin.sequence);
    }
  }

  /** The account of each boot id, against the highest number its agent says it gave out (or the highest that arrived). */
  accounts(emitted: ReadonlyMap<string, number> = new Map()): Account[] {
    return [...this.#seen].map(([bootId, seen]) => {
      const highest = Math.max(emitted.get(bootId) ?? 0, maxOf(seen));
      return {
        bootId,
        arrived: seen.size,
        highest,
        duplicates: this.#duplicates.get(bootId) ?? 0,
        gaps: gapsOf(seen, highest),
      };
    });
  }
}

function maxOf(numbers: ReadonlySet<number>): number {
  let max = 0;
  for (const n of numbers) if (n > max) max = n;
  return max;
}

function gapsOf(seen: ReadonlySet<number>, highest: number): [number, number][] {
  const gaps: [number, number][] = [];
  for (let n = 1; n <= highest; n++) {
    if (seen.has(n)) continue;
    const last = gaps.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else gaps.push([n, n]);
  }
  return gaps;
}
