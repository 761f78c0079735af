/**
 * From requests that were seen to rules of method and path.
 *
 * Owns: which parts of paths stand for others like them.
 *
 * Invariants:
 * H1 Sound: every request seen is admitted by a rule.
 * H2 The rules depend on the set of requests alone, not on their order or number.
 * H3 A request for something sensitive becomes no part of a rule for several. A rule for words in its place admits it though, since
 *    expressions of Envoy cannot except; so the first part of paths, which names what an application has, stays as it was seen.
 * H4 Monotone: what the rules of some requests admit, those of more requests admit too.
 */

import {
  anyWord,
  identifierKind,
  isSensitiveRequest,
  joinEvidence,
  kindOfMany,
  type PartKind,
} from '#policy';
import type { Evidence } from '#schemas';
import { compareText } from './order.ts';

export interface Request {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly evidence: Evidence;
}

export interface HttpRule {
  readonly method: string;
  /** A regular expression for the whole path. */
  readonly path: string;
  /** Distinct paths seen that it admits. */
  readonly observed: number;
  readonly evidence: Evidence;
  /** What it admits that was not seen; empty when that is nothing. */
  readonly admits: string;
}

export interface HttpOptions {
  /** So many paths that differ in identifiers only become one rule. */
  readonly identifiersFrom: number;
  /** So many paths that differ in one word only become one rule. */
  readonly wordsFrom: number;
}

export const httpDefaults: HttpOptions = { identifiersFrom: 2, wordsFrom: 20 };

/** What a part of a path is: its text, or a kind that it is of. */
type Part = string | PartKind;

/** Before it stands nothing, the empty part before the first slash and the first part. */
const firstOpen = 2;

/** Requests of one method whose paths have the same parts. */
interface Template {
  readonly method: string;
  readonly parts: readonly Part[];
  readonly seen: readonly Request[];
}

export function generaliseHttp(
  requests: readonly Request[],
  options: HttpOptions = httpDefaults,
): HttpRule[] {
  const isSensitive = ({ path }: Request) => isSensitiveRequest(path);
  const [kept, free] = [requests.filter(isSensitive), requests.filter(each => !isSensitive(each))];
  const templates = [
    ...grouped(kept.map(literal)),
    ...withWords(grouped(free.map(withKinds)), options).flatMap(each => asMany(each, options)),
  ];
  return templates.map(ruleOf).sort((a, b) => compareText(a.path, b.path) || compareText(a.method, b.method));
}

function literal(request: Request): Template {
  return { method: request.method, parts: request.path.split('/'), seen: [request] };
}

function withKinds(request: Request): Template {
  return { method: request.method, parts: partsOf(request.path), seen: [request] };
}

/** A path's parts, those that are identifiers, or stand for many, by their kind. */
function partsOf(path: string): Part[] {
  return path.split('/').map(text => kindOfMany(text) ?? identifierKind(text) ?? text);
}

/** Those with the same parts as one. */
function grouped(templates: readonly Template[]): Template[] {
  return [...Map.groupBy(templates, each => keyOf(each)).values()].map(joined);
}

function joined(alike: readonly Template[]): Template {
  return { ...alike[0]!, seen: [...new Set(alike.flatMap(({ seen }) => seen))] };
}

/** Equal for the same parts, but for the one at a place. */
function keyOf({ method, parts }: Template, at = -1): string {
  const spelled = parts.map((part, i) => (i === at ? null : typeof part === 'string' ? part : [part.what]));
  return JSON.stringify([method, spelled]);
}

/**
 * With rules for words instead of what they are made of, where a place holds many. What is found is looked at again, together
 * with all that was there: so more requests take no rule away (H4).
 */
function withWords(templates: readonly Template[], { wordsFrom }: HttpOptions): Template[] {
  const all = new Map(templates.map(each => [keyOf(each), each]));
  const within = new Set<string>();
  const longest = Math.max(0, ...templates.map(({ parts }) => parts.length));
  for (let hasGrown = true; hasGrown; ) {
    hasGrown = false;
    for (let at = firstOpen; at < longest; at++) {
      const words = [...all.values()].filter(
        ({ parts: { [at]: part } }) => typeof part === 'string' && part !== '',
      );
      for (const alike of Map.groupBy(words, each => keyOf(each, at)).values()) {
        if (alike.length < Math.max(2, wordsFrom)) continue;
        for (const each of alike) within.add(keyOf(each));
        const { parts, ...rest } = joined(alike);
        const found = { ...rest, parts: parts.with(at, anyWord) };
        const key = keyOf(found);
        const known = all.get(key);
        const grown = known ? joined([known, found]) : found;
        if (grown.seen.length === known?.seen.length) continue;
        all.set(key, grown);
        hasGrown = true;
      }
    }
  }
  return [...all].filter(([key]) => !within.has(key)).map(([, each]) => each);
}

/** Identifiers stand for others from so many on. */
function asMany(template: Template, { identifiersFrom }: HttpOptions): Template[] {
  const { parts, seen } = template;
  const isOpen = parts.includes(anyWord) || seen.some(({ path }) => path.split('/').some(kindOfMany));
  const paths = Map.groupBy(seen, ({ path }) => path);
  if (isOpen || paths.size >= identifiersFrom) return [template];
  return [...paths.values()].map(each => ({ ...template, seen: each }));
}

/** Where all agree the rule does too, but for words and what stands for many. */
function ruleOf({ method, parts, seen }: Template): HttpRule {
  const paths = [...new Set(seen.map(({ path }) => path))].map(path => path.split('/'));
  const segments = parts.map((part, i): Part => {
    const text = paths[0]![i]!;
    const isOne = part !== anyWord && !kindOfMany(text) && paths.every(each => each[i] === text);
    return isOne ? text : part;
  });
  const open = segments.flatMap(each => (typeof each === 'string' ? [] : [`any ${each.what}`]));
  const isMore = paths.some(each => each.some(kindOfMany));
  const count = `${isMore ? 'more than ' : ''}${paths.length}`;
  return {
    method,
    path: segments.map(spelled).join('/'),
    observed: paths.length,
    evidence: joinEvidence(seen.map(({ evidence }) => evidence))!,
    admits: open.length > 0 ? `${open.join(' and ')} in its place, of which ${count} were seen` : '',
  };
}

function spelled(part: Part): string {
  return typeof part === 'string' ? part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : part.pattern;
}
