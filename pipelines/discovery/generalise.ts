/**
 * From paths that were seen to path rules, in two stages: names that will be other ones in the next run become the rule of their
 * directory; then directories of which many names were seen become one rule.
 *
 * Owns: which rules there are, and which of them say nothing that another does not say.
 * Does not own: what each access says there should be (path-drafts.ts), what a fleeting name looks like (path-tokens.ts), when
 * many are many (path-collapse.ts), what is sensitive (#policy), which rule decides on a path (path-decision.ts).
 *
 * Invariants:
 * P1 Sound: every access seen is admitted by the rule that decides on it, or reported.
 * P2 Reading does not admit writing: a rule admits writing only where something in its place was written.
 * P3 Nothing sensitive is admitted that was not seen itself, but for what lies in the same Kubernetes volume, whose generations no
 *    rule can tell apart. The rule says what it admits.
 * P4 Minimal: without any one of the rules, an access that was seen is denied.
 * P5 Monotone: what is admitted stays admitted, whatever else is seen: each access adds its own rule, counts only grow, and
 *    a rule within the place of another never takes away what that one gives. (But where everything that was read of a directory
 *    of programs comes to be written, too, P4 counts.)
 */

import { joinEvidence, parentOf } from '#policy';
import type { Evidence } from '#schemas';
import { compareText } from './order.ts';
import { decider, isPattern, ofAnyProcess } from './path-decision.ts';
import {
  type Draft,
  type DraftOptions,
  literalDraft,
  PathDrafts,
  type Reason,
  type Seen,
} from './path-drafts.ts';
import { pathDefaults } from './path-options.ts';

export interface PathAccess {
  /** A directory as an object ends in a slash. */
  readonly path: string;
  readonly write: boolean;
  readonly evidence: Evidence;
}

export interface PathRule {
  /** The rule of a directory ends in a slash. A pattern begins with `/proc/*`. */
  readonly path: string;
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** Distinct paths seen that this rule decides on. */
  readonly observed: number;
  readonly evidence: Evidence;
  /** What it admits that was not seen; empty for a path. */
  readonly admits: string;
}

/** Absent: the default paths, nothing widened. */
export type GeneraliseOptions = Pick<DraftOptions, 'report'> & Partial<DraftOptions>;

export function generalise(
  accesses: readonly PathAccess[],
  { report, paths = pathDefaults, widen = false }: GeneraliseOptions,
): PathRule[] {
  const seen = [...gather(accesses).values()].sort((a, b) => compareText(a.path, b.path));
  const stages = new PathDrafts({ paths, report, widen });
  const drafts = new Map<string, Draft>();
  const add = (draft: Draft) => {
    const known = drafts.get(draft.path);
    drafts.set(draft.path, known ? joinDrafts(known, draft) : draft);
  };
  const admitted = seen.filter(each => {
    const draft = stages.of(each);
    if (draft) add(draft);
    else report(each.path, 'no rule can name it');
    return draft !== undefined;
  });
  for (const draft of stages.ofMany(admitted)) add(draft);
  const forms = Map.groupBy(admitted, ({ object }) => object);
  admitWhatIsAround(drafts, forms);
  admitAll(drafts, admitted);
  dropCovered(drafts, forms);
  return rulesOf(drafts, admitted);
}

function gather(accesses: readonly PathAccess[]): Map<string, Seen> {
  const byPath = new Map<string, Seen>();
  for (const { path, write, evidence } of accesses) {
    const known = byPath.get(path) ?? { path, object: withoutSlash(path), write: false, evidence: [] };
    known.write ||= write;
    known.evidence.push(evidence);
    byPath.set(path, known);
  }
  return byPath;
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function joinDrafts(a: Draft, b: Draft): Draft {
  const [reason = null] = [a.reason, b.reason].filter(each => each !== null).sort();
  return {
    path: a.path,
    recursive: a.recursive || b.recursive,
    readOnly: a.readOnly && b.readOnly,
    reason,
  };
}

type Drafts = Map<string, Draft>;
type Forms = ReadonlyMap<string, readonly Seen[]>;

/** The nearest rule decides alone: it must not take away what those around it give. */
function admitWhatIsAround(drafts: Drafts, forms: Forms): void {
  for (const draft of drafts.values()) {
    if (!draft.readOnly) continue;
    const isWritten = around(draft, drafts, forms).some(({ readOnly }) => !readOnly);
    if (isWritten) drafts.set(draft.path, { ...draft, readOnly: false });
  }
}

/** A directory as an object is decided on by its own rule, which was made for what lies in it. */
function admitAll(drafts: Drafts, seen: readonly Seen[]): void {
  for (const each of seen) {
    const deciding = decider(drafts, each.path);
    if (deciding && !(each.write && deciding.readOnly)) continue;
    const own = literalDraft(each) ?? { ...deciding!, readOnly: false };
    drafts.set(own.path, own);
  }
}

/** Directories whose rule would decide on all that this one decides on, if it and those between were not there. */
function around({ path }: Draft, drafts: Drafts, forms: Forms): Draft[] {
  const found: Draft[] = [];
  const isPath = !path.endsWith('/');
  const isDirectory = isPath && forms.get(path)?.some(form => form.path.endsWith('/'));
  const own = isDirectory ? drafts.get(`${path}/`) : undefined;
  if (own) found.push(own);
  const ofAny = drafts.get(ofAnyProcess(path));
  if (ofAny && ofAny.path !== path) found.push(ofAny);
  const parent = parentOf(path);
  for (let directory = parent; directory !== ''; directory = parentOf(directory)) {
    const draft = drafts.get(directory);
    if (draft && (draft.recursive || (isPath && directory === parent))) found.push(draft);
  }
  return found;
}

/** Paths first, then directories from the deepest up. */
function dropCovered(drafts: Drafts, forms: Forms): void {
  const order = [...drafts.values()].sort(
    (a, b) =>
      Number(a.path.endsWith('/')) - Number(b.path.endsWith('/')) ||
      b.path.length - a.path.length ||
      compareText(a.path, b.path),
  );
  for (const draft of order) {
    drafts.delete(draft.path);
    const others =
      forms.get(draft.path)?.map(({ path }) => decider(drafts, path)) ??
      around(draft, drafts, forms).slice(0, 1);
    const isCovered = others.length > 0 && others.every(other => other?.readOnly === draft.readOnly);
    if (!isCovered) drafts.set(draft.path, draft);
  }
}

function rulesOf(drafts: ReadonlyMap<string, Draft>, seen: readonly Seen[]): PathRule[] {
  const decided = Map.groupBy(seen, ({ path }) => decider(drafts, path)!);
  return [...decided]
    .sort(([a], [b]) => compareText(a.path, b.path))
    .map(([{ reason, ...draft }, mine]) => ({
      ...draft,
      observed: mine.length,
      evidence: joinEvidence(mine.flatMap(({ evidence }) => evidence))!,
      admits: reason === null ? '' : whatItAdmits({ reason, ...draft }),
    }));
}

const because: Readonly<Record<Reason, string>> = {
  pid: 'the files of all processes the container sees, environ included',
  generation: 'every generation of the volume',
  unnameable: 'a path that no rule can name',
  many: 'many of its names were seen',
  layer: 'names of layers',
  ...{ uuid: 'names with uuid', hex: 'names with hex', digits: 'names with digits' },
  ...{ date: 'names with date', temporary: 'names with temporary' },
};

function whatItAdmits({ path, recursive, readOnly, reason }: Draft): string {
  const how = readOnly ? 'to be read' : 'to be read and written';
  if (isPattern(path)) return `${path} ${how}: that file of every process the container sees`;
  const what = recursive ? `everything below ${path}` : `what lies directly in ${path}`;
  return `${what} ${how}: ${because[reason!]}`;
}
