/**
 * Directories of which so many names were seen that one rule is cheaper than a rule for each name.
 *
 * Owns: the price of a directory's rule against the rules it saves (PathOptions.namesFrom).
 * Does not own: which directories may not be admitted at any price (`isAdmissible`).
 *
 * Distinct names are counted, which only become more: what is admitted stays admitted, whatever else is seen. How often each
 * was seen does not matter.
 */

import { parentOf, placeOf } from '#policy';
import type { PathOptions } from './path-options.ts';

export interface SeenPath {
  /** Without a slash at its end. */
  readonly path: string;
  readonly write: boolean;
}

export interface DirectoryAccess {
  /** Ends in a slash. */
  readonly directory: string;
  /** What lies deeper, too. */
  readonly recursive: boolean;
  readonly write: boolean;
}

class Names {
  readonly #read = new Set<string>();
  readonly #written = new Set<string>();

  add(name: string, write: boolean): void {
    this.#read.add(name);
    if (write) this.#written.add(name);
  }

  count(write: boolean): number {
    return (write ? this.#written : this.#read).size;
  }
}

/** What was seen of a directory: names in it, and those of its directories in which something was seen. */
interface Content {
  readonly direct: Names;
  readonly directories: Names;
}

export function collapsed(
  seen: readonly SeenPath[],
  namesFrom: PathOptions['namesFrom'],
  isAdmissible: (access: DirectoryAccess) => boolean,
): DirectoryAccess[] {
  const contents = new Map<string, Content>();
  const contentOf = (directory: string) => {
    const known = contents.get(directory) ?? { direct: new Names(), directories: new Names() };
    contents.set(directory, known);
    return known;
  };
  for (const { path, write } of seen) {
    let directory = parentOf(path);
    contentOf(directory).direct.add(path, write);
    for (let above = parentOf(directory); above !== ''; above = parentOf(above)) {
      contentOf(above).directories.add(directory, write);
      directory = above;
    }
  }
  return [...contents].flatMap(([directory, { direct, directories }]) => {
    const price = namesFrom[placeOf(directory)];
    if (price === 0) return [];
    const ways = [true, false].flatMap(write => [
      { directory, recursive: true, write, names: directories.count(write) },
      { directory, recursive: false, write, names: direct.count(write) },
    ]);
    return ways.filter(way => way.names >= price && isAdmissible(way)).map(({ names: _, ...way }) => way);
  });
}
