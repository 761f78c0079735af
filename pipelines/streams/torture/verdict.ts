/** What must hold after a torture. Pure: from what the topics hold to the list of what is wrong with it. */

import type { Guarantee } from './counting.ts';

/** How often each key should have been counted, by key. */
export type Counts = ReadonlyMap<string, number>;
/** Counts as they were written, in order, by key. */
export type Sequences = ReadonlyMap<string, readonly number[]>;

/**
 * Of counts that were emitted one by one. Exactly once: 1, 2, … n of each key, nothing else. At least once: the same, with
 * repetitions, each of which goes back to something written before and counts on from there; n at last.
 */
export function outputViolations(expected: Counts, written: Sequences, guarantee: Guarantee): string[] {
  const violations: string[] = [];
  for (const [key, sequence] of written)
    if (!expected.has(key)) violations.push(`${key}: counted ${sequence.length} times, and never read`);
  for (const [key, times] of expected) {
    const sequence = written.get(key) ?? [];
    const violation =
      guarantee === 'exactly-once' ? exactViolation(sequence, times) : repeatedViolation(sequence, times);
    if (violation) violations.push(`${key}: ${violation}`);
  }
  return violations;
}

/** Of state: it must be what the input makes of it. */
export function stateViolations(expected: Counts, state: Counts): string[] {
  const keys = new Set([...expected.keys(), ...state.keys()]);
  return [...keys].flatMap(key => {
    const [wanted = 0, found = 0] = [expected.get(key), state.get(key)];
    if (wanted === found) return [];
    return [`${key}: the state says ${found}, the input before its offsets ${wanted}`];
  });
}

function exactViolation(sequence: readonly number[], times: number): string | null {
  const at = sequence.findIndex((count, index) => count !== index + 1);
  if (at >= 0) return `${sequence[at]} in place of ${at + 1}`;
  return sequence.length === times ? null : `ends with ${sequence.length}, was read ${times} times`;
}

function repeatedViolation(sequence: readonly number[], times: number): string | null {
  let highest = 0;
  let last = 0;
  for (const count of sequence) {
    const countsOn = count === last + 1;
    const goesBack = count >= 1 && count <= last;
    if (!countsOn && !goesBack)
      return `${count} after ${last}: ${count > last ? 'some are lost' : 'no count'}`;
    last = count;
    highest = Math.max(highest, count);
  }
  if (highest !== last) return `${last} at last, after ${highest}`;
  if (last === times) return null;
  return last > times
    ? `counted ${last} times, read ${times} times`
    : `ends with ${last}, was read ${times} times`;
}
