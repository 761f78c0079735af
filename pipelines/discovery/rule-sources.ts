/** Which executables stand behind a rule: to whom it can be confined, where a document can say so. */

import { compareText } from './order.ts';
import { decider } from './path-decision.ts';

/** Of the accesses that a rule decides on, by whom; empty: by executables that cannot all be named, so by anyone. */
export interface Sourced {
  readonly sources: readonly string[];
}

interface Rule {
  readonly path: string;
  readonly recursive: boolean;
}

interface Seen {
  readonly object: string;
  readonly source: string;
}

/** Each rule with the sources of what it decides on. */
export function withSources<R extends Rule>(rules: readonly R[], seen: readonly Seen[]): (R & Sourced)[] {
  const byPath = new Map(rules.map(rule => [rule.path, rule]));
  const behind = Map.groupBy(seen, ({ object }) => decider(byPath, object));
  return rules.map(rule => ({ ...rule, sources: sourcesOf(behind.get(rule) ?? []) }));
}

/** Sorted, each once; empty when one of them has no name that a rule can hold. */
export function sourcesOf(seen: readonly Pick<Seen, 'source'>[]): readonly string[] {
  const sources = [...new Set(seen.map(({ source }) => source))].sort(compareText);
  return sources.every(isNameable) ? sources : [];
}

const longestSource = 200;

/** As the kernel writes a path, and no longer than KubeArmor takes one. */
function isNameable(source: string): boolean {
  const isNormal = /^\/(?!.*(\/\/|\/\.{1,2}(\/|$))).*[^/]$/s.test(source);
  return isNormal && source.length <= longestSource;
}
