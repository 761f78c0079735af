/** Which rule decides on a path: the exact one, else the nearest directory that speaks of it. */

import { parentOf } from '#policy';

export interface DecidingRule {
  readonly path: string;
  readonly recursive: boolean;
}

/**
 * `path` of a directory as an object ends in a slash; a rule of its name and the rule of the directory itself are about it.
 * A directory that is not recursive says nothing of what lies deeper: there the next one above decides.
 */
export function decider<R extends DecidingRule>(rules: ReadonlyMap<string, R>, path: string): R | undefined {
  const isDirectory = path.endsWith('/');
  const exact = rules.get(isDirectory && path.length > 1 ? path.slice(0, -1) : path);
  if (exact) return exact;
  const own = isDirectory ? rules.get(path) : undefined;
  if (own) return own;
  const parent = parentOf(path);
  for (let directory = parent; directory !== ''; directory = parentOf(directory)) {
    const rule = rules.get(directory);
    if (rule && (rule.recursive || directory === parent)) return rule;
  }
  return undefined;
}
