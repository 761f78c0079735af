/**
 * From requests that were seen to rules of method and path.
 *
 * Owns: which parts of paths stand for others like them.
 *
 * Invariants:
 * H1 Sound: every request seen is admitted by a rule.
 * H2 The rules depend on the set of requests alone, not on their order or number.
 * H3 A request for something sensitive is admitted only if exactly it was seen.
 */

import { joinEvidence } from '#policy';
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

const kinds = [
  ['number', /^\d+$/, '[0-9]+'],
  [
    'uuid',
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
  ],
  ['hex', /^(?=.*\d)[0-9a-f]{16,}$/i, '[0-9a-fA-F]{16,}'],
] as const;
const anyWord = '[^/]+';

const sensitive =
  /^(admin|actuator|debug|internal|metrics|management|console|login|logout|auth|oauth2?|token|tokens|secrets?|passwd|password|reset|keys?|\.env|\.git|\.well-known|\.aws|\.ssh|wp-admin|etc)$/i;

/** Segments: text as it was seen, or a regular expression that stands for several. */
type Segment = { readonly text: string } | { readonly pattern: string; readonly what: string };

interface Draft {
  readonly method: string;
  readonly segments: readonly Segment[];
  readonly seen: readonly Request[];
}

export function generaliseHttp(
  requests: readonly Request[],
  options: HttpOptions = httpDefaults,
): HttpRule[] {
  const literal = [...Map.groupBy(requests, ({ method, path }) => `${method} ${path}`).values()].map(
    (seen): Draft => ({
      method: seen[0]!.method,
      segments: seen[0]!.path.split('/').map(text => ({ text })),
      seen,
    }),
  );
  const [kept, free] = [literal.filter(isSensitive), literal.filter(draft => !isSensitive(draft))];
  const drafts = [...kept, ...byWords(byIdentifiers(free, options), options)];
  return drafts.map(ruleOf).sort((a, b) => compareText(a.path, b.path) || compareText(a.method, b.method));
}

function isSensitive({ segments }: Draft): boolean {
  return segments.some(segment => 'text' in segment && sensitive.test(segment.text));
}

function kindOf(text: string) {
  return kinds.find(([, test]) => test.test(text));
}

function byIdentifiers(drafts: readonly Draft[], { identifiersFrom }: HttpOptions): Draft[] {
  const template = ({ method, segments }: Draft) =>
    `${method} ${segments.map(each => ('text' in each ? (kindOf(each.text)?.[0].padStart(8, '\0') ?? each.text) : '')).join('/')}`;
  return [...Map.groupBy(drafts, template).values()].flatMap(alike =>
    alike.length < identifiersFrom || alike.length < 2 ? alike : [joined(alike)],
  );
}

/** One draft for several that differ in identifiers; where they agree they stay as they are. */
function joined(alike: readonly Draft[]): Draft {
  const [first] = alike;
  const segments = first!.segments.map((segment, i): Segment => {
    const text = (draft: Draft) => (draft.segments[i] as { text: string }).text;
    if (alike.every(draft => text(draft) === text(first!))) return segment;
    const [what, , pattern] = kindOf(text(first!))!;
    return { pattern, what };
  });
  return { method: first!.method, segments, seen: alike.flatMap(({ seen }) => seen) };
}

function byWords(drafts: readonly Draft[], { wordsFrom }: HttpOptions): Draft[] {
  let current = [...drafts];
  const longest = Math.max(0, ...drafts.map(({ segments }) => segments.length));
  for (let at = longest - 1; at > 0; at--) {
    const others = (draft: Draft) =>
      `${draft.method} ${draft.segments.length} ${draft.segments.map((each, i) => (i === at ? '*' : spelled(each))).join('/')}`;
    const isWord = ({ segments }: Draft) => {
      const segment = segments[at];
      return segment !== undefined && 'text' in segment && segment.text !== '';
    };
    const words = current.filter(isWord);
    current = current.filter(draft => !isWord(draft));
    for (const alike of Map.groupBy(words, others).values()) {
      if (alike.length < Math.max(2, wordsFrom)) current.push(...alike);
      else {
        const segments = alike[0]!.segments.with(at, { pattern: anyWord, what: 'word' });
        current.push({ method: alike[0]!.method, segments, seen: alike.flatMap(({ seen }) => seen) });
      }
    }
  }
  return current;
}

function spelled(segment: Segment): string {
  return 'text' in segment ? segment.text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') : segment.pattern;
}

function ruleOf({ method, segments, seen }: Draft): HttpRule {
  const paths = new Set(seen.map(({ path }) => path));
  const open = segments.flatMap(each => ('what' in each ? [`any ${each.what}`] : []));
  return {
    method,
    path: segments.map(spelled).join('/'),
    observed: paths.size,
    evidence: joinEvidence(seen.map(({ evidence }) => evidence))!,
    admits: open.length > 0 ? `${open.join(' and ')} in its place, of which ${paths.size} were seen` : '',
  };
}
