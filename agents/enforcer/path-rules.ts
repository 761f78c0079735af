/**
 * Flattens path rules so that one longest-prefix look-up decides.
 *
 * Owns: the specificity of paths: exact path, then the deepest directory, then the posture of the class.
 * Does not own: strictness (ruling.ts), the bytes the kernel takes (kernel-rules.ts).
 *
 * An entry of a directory holds two rulings: for what lies directly in it, and for what lies deeper. The second is
 * inherited from the directories above when no recursive rule stands at this one.
 */

import { type Ruling, strictest } from './ruling.ts';

export interface PathRule {
  /** An exact path, or a directory when it ends in a slash. */
  readonly path: string;
  /** Of a directory: everything below, not only what lies directly in it. */
  readonly recursive: boolean;
  readonly ruling: Ruling;
}

export interface PathEntry {
  readonly path: string;
  /** For the exact path, or for what lies directly in the directory. */
  readonly direct: Ruling;
  /** For what lies deeper in the directory; undefined: unrestricted. Always undefined for an exact path. */
  readonly deep: Ruling | undefined;
}

/** Sorted by path. `posture` is what an entry inherits when no directory above rules; the kernel holds it separately. */
export function flattenPaths(rules: readonly PathRule[], posture: Ruling | undefined): PathEntry[] {
  const byPath = new Map<string, PathRule[]>();
  for (const rule of rules) byPath.set(rule.path, [...(byPath.get(rule.path) ?? []), rule]);
  const recursiveAt = (path: string) =>
    strictest((byPath.get(path) ?? []).filter(rule => rule.recursive).map(rule => rule.ruling));
  const deepOf = (directory: string): Ruling | undefined => {
    for (const above of directoriesFrom(directory)) {
      const found = recursiveAt(above);
      if (found) return found;
    }
    return posture;
  };
  return [...byPath]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, here]) => ({
      path,
      direct: strictest(here.map(rule => rule.ruling))!,
      deep: path.endsWith('/') ? deepOf(path) : undefined,
    }));
}

/** `/a/b/` → `/a/b/`, `/a/`, `/`. */
function* directoriesFrom(directory: string): Iterable<string> {
  for (let at = directory; at !== '/'; at = at.slice(0, at.lastIndexOf('/', at.length - 2) + 1)) yield at;
  yield '/';
}
