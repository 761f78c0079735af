/**
 * From paths that were seen to path rules.
 *
 * Owns: which paths become the rule of a directory, and which rules say nothing that another does not say.
 * Does not own: what a fleeting name looks like (path-tokens.ts), what is sensitive (sensitive-paths.ts), which rule
 * decides on a path (path-decision.ts).
 *
 * Invariants:
 * P1 Sound: every access seen is admitted by the rule that decides on it, or reported.
 * P2 Reading does not admit writing: a path that stays a path and was never written is read-only.
 * P3 Nothing sensitive is admitted that was not seen itself, but for other processes' files under /proc and other
 *    generations of the same Kubernetes volume, which no rule can tell apart. The rule says what it admits.
 * P4 Minimal: without any one of the rules, an access that was seen is denied, or writing is admitted where only reading was.
 */

import { joinEvidence } from '#policy';
import type { Evidence } from '#schemas';
import { compareText } from './order.ts';
import { decider } from './path-decision.ts';
import { type FleetingPart, fleetingPart, type Token } from './path-tokens.ts';
import { isSensitive, mayHoldSensitive, mustNotBeWritten, parentOf } from './sensitive-paths.ts';

export interface PathAccess {
  /** A directory as an object ends in a slash. */
  readonly path: string;
  readonly write: boolean;
  readonly evidence: Evidence;
}

export interface PathRule {
  /** The rule of a directory ends in a slash. */
  readonly path: string;
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** Distinct paths seen that this rule decides on. */
  readonly observed: number;
  readonly evidence: Evidence;
  /** What it admits that was not seen; empty for a path. */
  readonly admits: string;
}

export interface GeneraliseOptions {
  /** Every path stays as it is. */
  readonly literal: boolean;
  /** Called with what is in no rule, and with what stayed a path although its name will not come again. */
  readonly report: (path: string, why: string) => void;
}

interface Seen {
  readonly path: string;
  write: boolean;
  readonly evidence: Evidence[];
}

interface Draft {
  readonly path: string;
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** Why it is a directory's; null: it is a path. */
  readonly token: Token | 'unnameable' | null;
}

export function generalise(
  accesses: readonly PathAccess[],
  { literal, report }: GeneraliseOptions,
): PathRule[] {
  const seen = [...gather(accesses).values()].sort((a, b) => compareText(a.path, b.path));
  const drafts = new Map<string, Draft>();
  const admitted: Seen[] = [];
  for (const each of seen) {
    const draft = literal ? literalDraft(each) : draftOf(each, report);
    if (!draft) {
      report(each.path, 'no rule can name it');
      continue;
    }
    admitted.push(each);
    const known = drafts.get(draft.path);
    drafts.set(draft.path, known ? joinDrafts(known, draft) : draft);
  }
  admitAll(drafts, admitted);
  dropRedundant(drafts, admitted);
  return rulesOf(drafts, admitted);
}

function gather(accesses: readonly PathAccess[]): Map<string, Seen> {
  const byPath = new Map<string, Seen>();
  for (const { path, write, evidence } of accesses) {
    const known = byPath.get(path) ?? { path, write: false, evidence: [] };
    known.write ||= write;
    known.evidence.push(evidence);
    byPath.set(path, known);
  }
  return byPath;
}

function draftOf(seen: Seen, report: GeneraliseOptions['report']): Draft | undefined {
  const { path, write } = seen;
  const object = withoutSlash(path);
  const fleeting = fleetingPart(object, write);
  if (!fleeting) return literalDraft(seen) ?? unnameable(object, write);
  const isKept = isSensitive(object) && fleeting.token !== 'generation';
  const draft = isKept ? undefined : fleetingDraft(object, write, fleeting);
  if (draft) return draft;
  report(path, 'its name changes from run to run, but its directory holds too much to be admitted');
  return literalDraft(seen);
}

const longestPath = 200;
const nameablePath = /^\/[^\n\r\u2028\u2029]*[^/\n\r\u2028\u2029]$/;
const nameableDirectory = /^\/([^\n\r\u2028\u2029]*\/)?$/;

function literalDraft({ path, write }: Seen): Draft | undefined {
  const object = withoutSlash(path);
  const isNameable = nameablePath.test(object) && object.length <= longestPath;
  return isNameable ? { path: object, recursive: false, readOnly: !write, token: null } : undefined;
}

function unnameable(object: string, write: boolean): Draft | undefined {
  if (!object.startsWith('/')) return undefined;
  const directory = parentOf(object);
  return admissible(directory, { recursive: false, write })
    ? { path: directory, recursive: false, readOnly: !write, token: 'unnameable' }
    : undefined;
}

function fleetingDraft(object: string, write: boolean, { segment, token }: FleetingPart): Draft | undefined {
  const segments = object.split('/').slice(1);
  const directory = `/${segments
    .slice(0, segment)
    .map(each => `${each}/`)
    .join('')}`;
  const recursive = segment < segments.length - 1;
  const isToldApart = token !== 'pid' && !(token === 'generation' && isSensitive(`${directory}x`));
  if (!nameableDirectory.test(directory) || directory.length > longestPath) return undefined;
  if (isToldApart && !admissible(directory, { recursive, write })) return undefined;
  return { path: directory, recursive, readOnly: !write, token };
}

function admissible(
  directory: string,
  { recursive, write }: { recursive: boolean; write: boolean },
): boolean {
  if (!nameableDirectory.test(directory) || directory.length > longestPath) return false;
  return !mayHoldSensitive(directory, recursive) && !(write && mustNotBeWritten(directory));
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function joinDrafts(a: Draft, b: Draft): Draft {
  const [token = null] = [a.token, b.token].filter(each => each !== null).sort();
  return { path: a.path, recursive: a.recursive || b.recursive, readOnly: a.readOnly && b.readOnly, token };
}

/** A rule made for one path may decide on another that was used in more ways: that one gets a rule of its own. */
function admitAll(drafts: Map<string, Draft>, seen: readonly Seen[]): void {
  for (const each of seen) {
    const deciding = decider(drafts, each.path);
    if (deciding && !(each.write && deciding.readOnly)) continue;
    const own = literalDraft(each) ?? { ...deciding!, readOnly: false };
    drafts.set(own.path, own);
  }
}

/** Paths first, then directories from the deepest up: what remains when one is looked at is what it is measured against. */
function dropRedundant(drafts: Map<string, Draft>, seen: readonly Seen[]): void {
  const decides = Map.groupBy(seen, ({ path }) => decider(drafts, path)!);
  const order = [...drafts.values()].sort(
    (a, b) =>
      Number(a.path.endsWith('/')) - Number(b.path.endsWith('/')) ||
      b.path.length - a.path.length ||
      compareText(a.path, b.path),
  );
  for (const draft of order) {
    drafts.delete(draft.path);
    const mine = decides.get(draft) ?? [];
    const others = mine.map(({ path }) => decider(drafts, path));
    if (!others.every(other => other?.readOnly === draft.readOnly)) {
      drafts.set(draft.path, draft);
      continue;
    }
    for (const [index, other] of others.entries()) {
      const theirs = decides.get(other!);
      if (theirs) theirs.push(mine[index]!);
      else decides.set(other!, [mine[index]!]);
    }
  }
}

function rulesOf(drafts: ReadonlyMap<string, Draft>, seen: readonly Seen[]): PathRule[] {
  const decided = Map.groupBy(seen, ({ path }) => decider(drafts, path)!);
  return [...decided]
    .sort(([a], [b]) => compareText(a.path, b.path))
    .map(([{ token, ...draft }, mine]) => ({
      ...draft,
      observed: mine.length,
      evidence: joinEvidence(mine.flatMap(({ evidence }) => evidence))!,
      admits: token === null ? '' : whatItAdmits({ token, ...draft }),
    }));
}

function whatItAdmits({ path, recursive, readOnly, token }: Draft): string {
  const what = recursive ? `everything below ${path}` : `what lies directly in ${path}`;
  const how = readOnly ? 'to be read' : 'to be read and written';
  if (token === 'pid')
    return `${what} ${how}: the files of all processes the container sees, environ included`;
  if (token === 'generation') return `${what} ${how}: every generation of the volume`;
  return `${what} ${how}: ${token === 'unnameable' ? 'a path that no rule can name' : `names with ${token}`}`;
}
