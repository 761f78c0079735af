/**
 * How many distinct events there were, in 33 bytes that never grow: a set of up to eight hashes, then HyperLogLog.
 *
 * Owns: the sketch within a row of evidence, and its form in records. Does not own: how events are hashed (event-id.ts).
 *
 * Invariants:
 * K1 The bytes are a function of the set of hashes: order, repetition and joins do not matter.
 * K2 The count is exact up to eight; beyond that it is estimated, with a standard error of 18 %.
 *
 * Shape: byte 0 is how many hashes there are (9: registers); then the hashes, ascending, 4 bytes each, or 32 registers.
 * In records: the hashes, or four negative numbers -1 - n, each n of eight registers, five bits each, the first the lowest.
 */

import { largestEventIdHash } from '../event-id.ts';

export const sketchBytes = 33;

const mostHashes = 8;
const registers = mostHashes + 1;
const registerCount = 32;
const registersANumber = 8;
const hashRange = 2 ** 32;
const foldBy = (largestEventIdHash + 2) / hashRange;

/** The 32 leading bits of an event's hash, which is all that sketches know of it. */
export function foldedHash(eventIdHash: number): number {
  return Math.floor(eventIdHash / foldBy);
}

/** Takes in a hash of 32 bits. */
export function addToSketch(view: DataView, at: number, hash: number): void {
  const count = view.getUint8(at);
  if (count === registers) {
    raiseRegister(view, at, hash);
    return;
  }
  let place = count;
  while (place > 0 && hashAt(view, at, place - 1) > hash) place -= 1;
  if (place > 0 && hashAt(view, at, place - 1) === hash) return;
  if (count === mostHashes) {
    spread(view, at);
    raiseRegister(view, at, hash);
    return;
  }
  for (let i = count; i > place; i--) view.setUint32(at + 1 + 4 * i, hashAt(view, at, i - 1));
  view.setUint32(at + 1 + 4 * place, hash);
  view.setUint8(at, count + 1);
}

/** Takes in what a record's sketch knows. Sketches of before, with up to 32 hashes of 53 bits, are read too. */
export function joinSketch(view: DataView, at: number, numbers: readonly number[]): void {
  for (const [index, number] of numbers.entries()) {
    if (number >= 0) addToSketch(view, at, number < hashRange ? number : foldedHash(number));
    else joinRegisters(view, at, { first: index * registersANumber, packed: -1 - number });
  }
}

/** Its form in records. */
export function sketchNumbers(view: DataView, at: number): number[] {
  const count = view.getUint8(at);
  if (count < registers) return Array.from({ length: count }, (_, index) => hashAt(view, at, index));
  return Array.from({ length: registerCount / registersANumber }, (_, index) => {
    let packed = 0;
    for (let i = registersANumber - 1; i >= 0; i--)
      packed = packed * 32 + view.getUint8(at + 1 + index * registersANumber + i);
    return -1 - packed;
  });
}

/** K2. */
export function sketchCount(view: DataView, at: number): number {
  const count = view.getUint8(at);
  if (count < registers) return count;
  let sum = 0;
  let zeros = 0;
  for (let i = 0; i < registerCount; i++) {
    const rank = view.getUint8(at + 1 + i);
    sum += 2 ** -rank;
    if (rank === 0) zeros += 1;
  }
  const raw = (0.697 * registerCount * registerCount) / sum;
  const isSmall = raw <= 2.5 * registerCount && zeros > 0;
  const estimate = isSmall ? registerCount * Math.log(registerCount / zeros) : collided(raw);
  return Math.max(registers, Math.round(estimate));
}

/** Among very many events some share their 32 bits. */
function collided(estimate: number): number {
  const share = Math.min(estimate / hashRange, 1 - 1 / hashRange);
  return share < 1 / 30 ? estimate : -hashRange * Math.log(1 - share);
}

function hashAt(view: DataView, at: number, index: number): number {
  return view.getUint32(at + 1 + 4 * index);
}

/** From hashes to registers. */
function spread(view: DataView, at: number): void {
  const count = view.getUint8(at);
  const hashes = Array.from({ length: count }, (_, index) => hashAt(view, at, index));
  view.setUint8(at, registers);
  for (let i = 0; i < registerCount; i++) view.setUint8(at + 1 + i, 0);
  for (const hash of hashes) raiseRegister(view, at, hash);
}

/** The five leading bits choose the register; it holds the most zeros, plus one, that the rest ever began with. */
function raiseRegister(view: DataView, at: number, hash: number): void {
  const register = at + 1 + (hash >>> 27);
  const rank = Math.min(Math.clz32(hash << 5), 27) + 1;
  if (rank > view.getUint8(register)) view.setUint8(register, rank);
}

function joinRegisters(
  view: DataView,
  at: number,
  { first, packed }: { readonly first: number; readonly packed: number },
): void {
  if (view.getUint8(at) !== registers) spread(view, at);
  let rest = packed;
  for (let i = first; i < Math.min(first + registersANumber, registerCount); i++) {
    const rank = rest % 32;
    rest = Math.floor(rest / 32);
    if (rank > view.getUint8(at + 1 + i)) view.setUint8(at + 1 + i, rank);
  }
}
