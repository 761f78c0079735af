/**
 * What a part of a request's path is: an identifier of some kind, or a word; and which are sensitive.
 *
 * Profiles put `…` and the kind in place of a part that held too many to be told apart (pipelines/enrich/crowded-requests.ts).
 */

import { anyName } from './sensitive-paths.ts';

/** A kind of parts; `pattern` is a regular expression for one. */
export interface PartKind {
  readonly what: string;
  readonly pattern: string;
}

const identifiers: readonly (PartKind & { readonly test: RegExp })[] = [
  { what: 'number', test: /^\d+$/, pattern: '[0-9]+' },
  {
    what: 'uuid',
    test: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    pattern: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
  },
  { what: 'hex', test: /^(?=.*\d)[0-9a-f]{16,}$/i, pattern: '[0-9a-fA-F]{16,}' },
];
export const anyWord: PartKind = { what: 'word', pattern: '[^/]+' };

const kinds = [...identifiers, anyWord];

/** Undefined: a word. */
export function identifierKind(part: string): PartKind | undefined {
  return identifiers.find(({ test }) => test.test(part));
}

/** What stands for every part of a kind. */
export function manyOf({ what }: PartKind): string {
  return anyName + what;
}

/** The kind that a part stands for; undefined: it is one part alone. */
export function kindOfMany(part: string): PartKind | undefined {
  return part.startsWith(anyName) ? kinds.find(kind => manyOf(kind) === part) : undefined;
}

const sensitive =
  /^(admin|actuator|debug|internal|metrics|management|console|login|logout|auth|oauth2?|token|tokens|secrets?|passwd|password|reset|keys?|\.env|\.git|\.well-known|\.aws|\.ssh|wp-admin|etc)$/i;

export function isSensitiveRequest(path: string): boolean {
  return path.split('/').some(part => sensitive.test(part));
}
