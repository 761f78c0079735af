/**
 * Places in paths of requests where so many were seen that they are not told apart any more.
 *
 * Owns: from when on what stands in a place is one. Without that, who serves or asks for things by identifier or name has a
 * profile that grows by each of them; the rule is the pattern's long before (pipelines/discovery/generalise-http.ts).
 *
 * Invariants:
 * Q1 Which places are crowded depends on the set of paths that were seen alone (I2), and what is crowded stays so: of what
 *    follows after the same beginning, each kind (numbers, uuids, hexadecimals, words) is counted for itself, and what follows
 *    after a crowd is one again.
 * Q2 Sensitive paths are kept as they were seen, and so are words in the first place, where an application's parts are named.
 */

import { anyWord, identifierKind, isSensitiveRequest, kindOfMany, manyOf, type PartKind } from '#policy';
import type { Observed } from './observe.ts';

/** More than these of one kind in one place are a crowd. */
export const crowdedRequestsFrom = 64;

export class CrowdedRequests {
  readonly #crowdedFrom: number;
  /** By beginning and kind; what is crowded has none. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #crowded = new Set<string>();

  constructor(from = crowdedRequestsFrom) {
    this.#crowdedFrom = from;
  }

  /** Takes a behaviour in, as it is kept. True when that crowds a place: what was seen before is to be told anew by `kept`. */
  crowds(observed: Observed): boolean {
    if (!observed.http || isSensitiveRequest(observed.http.path)) return false;
    let isCrowded = false;
    let beginning = beginningOf(observed);
    for (const [place, part] of observed.http.path.split('/').entries()) {
      const kind = kindAt(place, part);
      if (kind) isCrowded = this.#add(`${beginning} ${kind.what}`, part) || isCrowded;
      beginning += `/${part}`;
    }
    return isCrowded;
  }

  /** The behaviour as it is kept. */
  kept(observed: Observed): Observed {
    const { http } = observed;
    if (this.#crowded.size === 0 || !http || isSensitiveRequest(http.path)) return observed;
    let beginning = beginningOf(observed);
    const parts = http.path.split('/').map((part, place) => {
      const kind = kindAt(place, part);
      const kept = kind && this.#crowded.has(`${beginning} ${kind.what}`) ? manyOf(kind) : part;
      beginning += `/${kept}`;
      return kept;
    });
    const path = parts.join('/');
    return path === http.path ? observed : { ...observed, http: { ...http, path } };
  }

  #add(key: string, part: string): boolean {
    if (this.#crowded.has(key)) return false;
    const seen = this.#seen.get(key) ?? new Set<string>();
    this.#seen.set(key, seen.add(part));
    if (!kindOfMany(part) && seen.size <= this.#crowdedFrom) return false;
    this.#crowded.add(key);
    this.#seen.delete(key);
    return true;
  }
}

/** Undefined: what stands there is told apart for ever. */
function kindAt(place: number, part: string): PartKind | undefined {
  if (part === '') return undefined;
  const kind = kindOfMany(part) ?? identifierKind(part) ?? anyWord;
  return kind === anyWord && place < 2 ? undefined : kind;
}

/** All that requests have in common that may be told as one. */
function beginningOf({ operation, source, transport, port, peer, http }: Observed): string {
  const who = peer && [peer.type, peer.namespace, peer.workloadKind, peer.workload, peer.value];
  return JSON.stringify([operation, source, transport, port, who, http?.method]);
}
