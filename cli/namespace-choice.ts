/** Of which namespaces a command prints policies: `shop,data`, or with `!` before each all but those. */

import { InvalidArgumentError } from 'commander';

export type NamespaceChoice = (namespace: string) => boolean;

export const allNamespaces: NamespaceChoice = () => true;

/** Errors: InvalidArgumentError when nothing or both are said. */
export function parseNamespaces(list: string): NamespaceChoice {
  const names = list.split(',').map(name => name.trim());
  const left = names.filter(name => name.startsWith('!')).map(name => name.slice(1));
  if (names.some(name => /^!?$/.test(name))) throw new InvalidArgumentError('a name is missing.');
  if (left.length === 0) return namespace => names.includes(namespace);
  if (left.length < names.length)
    throw new InvalidArgumentError('name those that are wanted, or with ! those that are not.');
  return namespace => !left.includes(namespace);
}
