/**
 * How readily paths that were seen become the rule of a directory.
 *
 * A directory is admitted for one of two reasons: a name in it changes from run to run (path-tokens.ts), or so many of its names
 * were seen that one rule is cheaper than naming them (path-collapse.ts).
 */

import type { PlaceKind } from '#policy';

export interface PathOptions {
  /** Hexadecimal digits in a row that are an identifier. */
  readonly hexFrom: number;
  /** Decimal digits in a row that are one. */
  readonly digitsFrom: number;
  /**
   * What the rule of a directory costs, in rules of paths: from so many names it is cheaper than they are. What may hold something
   * sensitive costs more than any number of names, and so does writing where programs lie. 0: never.
   */
  readonly namesFrom: Readonly<Record<PlaceKind, number>>;
  /**
   * Whether the files of whichever process are written as a pattern (`/proc/<any>/stat`). KubeArmor has patterns on AppArmor only; on
   * BPF-LSM it passes over them, which denies, and our own enforcer refuses such documents.
   */
  readonly patterns: boolean;
  /** Further paths, and directories (ending in a slash), that are sensitive. */
  readonly sensitive: readonly string[];
}

export const pathDefaults: PathOptions = Object.freeze({
  hexFrom: 16,
  digitsFrom: 6,
  namesFrom: Object.freeze({ scratch: 10, data: 50, programs: 100 }),
  patterns: false,
  sensitive: Object.freeze([]),
});
