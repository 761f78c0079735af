/** Which rule decides on a path: the exact one, else that of any process, else the nearest directory that speaks of it. */

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
  const plain = isDirectory && path.length > 1 ? path.slice(0, -1) : path;
  const exact = rules.get(plain);
  if (exact) return exact;
  const ofAny = rules.get(ofAnyProcess(plain));
  if (ofAny) return ofAny;
  const own = isDirectory ? rules.get(path) : undefined;
  if (own) return own;
  const parent = parentOf(path);
  for (let directory = parent; directory !== ''; directory = parentOf(directory)) {
    const rule = rules.get(directory);
    if (rule && (rule.recursive || directory === parent)) return rule;
  }
  return undefined;
}

const processEntry = /^\/proc\/[^/]+(?=\/.)/;
const threadEntry = /^(\/proc\/[^/]+\/task)\/[^/]+(?=\/.)/;

/** The pattern that has a path under /proc in common with those of other processes and threads; other paths stay. */
export function ofAnyProcess(path: string): string {
  if (!path.startsWith('/proc/')) return path;
  return path.replace(processEntry, '/proc/*').replace(threadEntry, '$1/*');
}

/** `*` is within one name. */
export function isPattern(path: string): boolean {
  return path.startsWith('/proc/*/');
}
