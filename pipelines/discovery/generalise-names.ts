/**
 * From DNS names that were seen to rules of names.
 *
 * Owns: which parts of names stand for others like them: numbers, uuids and long hexadecimals of names that are of one pattern.
 *
 * Invariants:
 * M1 Sound: every name seen is admitted by a rule.
 * M2 The rules depend on the set of names alone, not on their order or number (I2).
 * M3 The last two labels stay as they were seen: whoever owns them is never widened, nor is how many labels there are.
 */

import { compareText } from './order.ts';

export interface NameOptions {
  /** So many names of one pattern become one rule. */
  readonly namesFrom: number;
}

export const nameDefaults: NameOptions = { namesFrom: 5 };

export interface NamePattern {
  /** A name; or one with stars, each for what a part of a label may hold. */
  readonly pattern: string;
  /** Distinct names seen that it admits, sorted. */
  readonly names: readonly string[];
  /** What it admits that was not seen; empty when that is nothing. */
  readonly admits: string;
}

/** By name: the pattern it is in. */
export function generaliseNames(
  names: Iterable<string>,
  { namesFrom }: NameOptions = nameDefaults,
): ReadonlyMap<string, NamePattern> {
  const sorted = [...new Set(names)].sort(compareText);
  const patterns = [...Map.groupBy(sorted, patternOf)].flatMap(([pattern, alike]): NamePattern[] => {
    if (alike.length >= Math.max(2, namesFrom) && pattern.includes('*'))
      return [
        {
          pattern,
          names: alike,
          admits: `any other in place of the star, of which ${alike.length} were seen`,
        },
      ];
    return alike.map(name => ({ pattern: name, names: [name], admits: '' }));
  });
  return new Map(patterns.flatMap(each => each.names.map(name => [name, each])));
}

const keptLabels = 2;
const identifier =
  /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![a-z0-9])(?=[a-f]*\d)[0-9a-f]{8,}(?![a-z0-9])|\d+/g;

/** The name with a star in place of each identifier before its last two labels. */
export function patternOf(name: string): string {
  const labels = name.split('.');
  const kept = Math.max(0, labels.length - keptLabels);
  const open = labels.slice(0, kept).map(label => label.replaceAll(identifier, '*'));
  return [...open, ...labels.slice(kept)].join('.');
}
