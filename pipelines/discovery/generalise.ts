/**
 * From paths that were seen to path rules, in two stages: names that will be other ones in the next run become the rule of their
 * directory; then directories of which many names were seen become one rule.
 *
 * Owns: which rules there are, and which of them say nothing that another does not say.
 * Does not own: what a fleeting name looks like (path-tokens.ts), when many are many (path-collapse.ts), what is sensitive
 * (#policy), which rule decides on a path (path-decision.ts).
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

import { anyName, joinEvidence, mustNotBeWritten, parentOf, SensitivePaths } from '#policy';
import type { Evidence } from '#schemas';
import { compareText } from './order.ts';
import { collapsed, type DirectoryAccess } from './path-collapse.ts';
import { decider, isPattern, ofAnyProcess } from './path-decision.ts';
import { type PathOptions, pathDefaults } from './path-options.ts';
import { type FleetingPart, fleetingParts, type Token } from './path-tokens.ts';

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

export interface GeneraliseOptions {
  /** Called with what is in no rule, and with what stayed a path although its name will not come again. */
  readonly report: (path: string, why: string) => void;
  /** Absent: the defaults. Null: every path stays as it is. */
  readonly paths?: PathOptions | null;
  /** Whether other processes' files under /proc, which no path can name, are admitted all, to be read. */
  readonly widen?: boolean;
}

interface Seen {
  readonly path: string;
  /** Without a slash at its end. */
  readonly object: string;
  write: boolean;
  readonly evidence: Evidence[];
}

type Reason = Token | 'unnameable';

interface Draft {
  readonly path: string;
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** Why it is a directory's; null: it is a path. */
  readonly reason: Reason | null;
}

export function generalise(
  accesses: readonly PathAccess[],
  { report, paths = pathDefaults, widen = false }: GeneraliseOptions,
): PathRule[] {
  const seen = [...gather(accesses).values()].sort((a, b) => compareText(a.path, b.path));
  const drafting = new Drafting(paths, { report, widen });
  const drafts = new Map<string, Draft>();
  const add = (draft: Draft) => {
    const known = drafts.get(draft.path);
    drafts.set(draft.path, known ? joinDrafts(known, draft) : draft);
  };
  const admitted = seen.filter(each => {
    const draft = drafting.draftOf(each);
    if (draft) add(draft);
    else report(each.path, 'no rule can name it');
    return draft !== undefined;
  });
  for (const draft of drafting.collapse(admitted)) add(draft);
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

const longestPath = 200;
const nameablePath = /^\/[^\n\r\u2028\u2029]*[^/\n\r\u2028\u2029]$/;
const nameableDirectory = /^\/([^\n\r\u2028\u2029]*\/)?$/;

/** What one access says there should be a rule for, whatever else was seen. */
class Drafting {
  readonly #paths: PathOptions | null;
  readonly #sensitive: SensitivePaths;
  readonly #report: GeneraliseOptions['report'];
  readonly #widen: boolean;

  constructor(
    paths: PathOptions | null,
    { report, widen }: { readonly report: GeneraliseOptions['report']; readonly widen: boolean },
  ) {
    this.#paths = paths;
    this.#sensitive = new SensitivePaths(paths?.sensitive);
    this.#report = report;
    this.#widen = widen;
  }

  /** Undefined: no rule can name it. */
  draftOf(seen: Seen): Draft | undefined {
    const { object, write } = seen;
    const literal = literalDraft(seen);
    if (!this.#paths) return literal;
    const parts = fleetingParts(object, write, this.#paths);
    if (parts.length === 0) return literal ?? this.#unnameable(object, write);
    if (parts[0]!.token === 'pid') return this.#ofProcess(seen, parts);
    const isSensitive = this.#sensitive.isSensitive(object);
    for (const part of parts) {
      const draft = this.#fleeting(seen, part, isSensitive);
      if (draft) return draft;
    }
    if (literal)
      this.#report(
        seen.path,
        'its name changes from run to run, but its directory holds too much to be admitted',
      );
    return literal;
  }

  /** The second stage. */
  collapse(seen: readonly Seen[]): Draft[] {
    if (!this.#paths) return [];
    const ordinary = seen
      .filter(({ object }) => object.startsWith('/') && !this.#sensitive.isSensitive(object))
      .map(({ object, write }) => ({ path: object, write }));
    return collapsed(ordinary, this.#paths.namesFrom, access => this.#isAdmissible(access)).map(
      ({ directory, recursive, write }) => ({ path: directory, recursive, readOnly: !write, reason: 'many' }),
    );
  }

  #fleeting(
    { object, write }: Seen,
    { segment, token }: FleetingPart,
    isSensitive: boolean,
  ): Draft | undefined {
    const segments = object.split('/').slice(1);
    const directory = directoryOf(segments.slice(0, segment));
    const recursive = segment < segments.length - 1;
    const isAdmissible =
      token === 'generation' && !write
        ? this.#isVolume(directory)
        : !isSensitive && !mustNotBeWritten(directory) && this.#isAdmissible({ directory, recursive, write });
    return isAdmissible ? { path: directory, recursive, readOnly: !write, reason: token } : undefined;
  }

  /** Kubernetes put it there as a whole for the container to read, be it secret or not. */
  #isVolume(directory: string): boolean {
    if (!isNameable(directory)) return false;
    return this.#sensitive.isSensitive(`${directory}x`) || !this.#sensitive.mayLieIn(directory, true);
  }

  /** No path says "whichever process": it stays that one, unless a pattern may say it, or (`widen`) all there are. */
  #ofProcess(seen: Seen, parts: readonly FleetingPart[]): Draft | undefined {
    const segments = seen.object.split('/');
    for (const { segment, token } of parts)
      if (token === 'pid') segments[segment + 1] = segment === 1 ? '<pid>' : '<tid>';
    const name = segments.join('/');
    const isSensitive = this.#sensitive.isSensitive(seen.object);
    const pattern = ofAnyProcess(seen.object);
    if (this.#paths?.patterns && isPattern(pattern) && !isSensitive && !isOfMany(seen.object))
      return { path: pattern, recursive: false, readOnly: !seen.write, reason: 'pid' };
    const isWidened = this.#widen && !seen.write && !isSensitive;
    if (isWidened) {
      this.#report(
        name,
        'widened to all files of the processes the container sees, environ included, to be read',
      );
      return { path: '/proc/', recursive: true, readOnly: true, reason: 'pid' };
    }
    this.#report(name, 'processes have other numbers in the next run, and no path can name whichever it is');
    return literalDraft(seen);
  }

  #unnameable(object: string, write: boolean): Draft | undefined {
    if (!object.startsWith('/')) return undefined;
    const directory = parentOf(object);
    return this.#isAdmissible({ directory, recursive: false, write })
      ? { path: directory, recursive: false, readOnly: !write, reason: 'unnameable' }
      : undefined;
  }

  #isAdmissible({ directory, recursive, write }: DirectoryAccess): boolean {
    return (
      isNameable(directory) &&
      !this.#sensitive.mayLieIn(directory, recursive) &&
      !(write && mustNotBeWritten(directory))
    );
  }
}

function literalDraft({ object, write }: Seen): Draft | undefined {
  const isPath = nameablePath.test(object) && object.length <= longestPath && !isOfMany(object);
  return isPath ? { path: object, recursive: false, readOnly: !write, reason: null } : undefined;
}

/** Stands for many paths, none of which is known any more. */
function isOfMany(object: string): boolean {
  return object.split('/').includes(anyName);
}

function isNameable(directory: string): boolean {
  return nameableDirectory.test(directory) && directory.length <= longestPath;
}

function directoryOf(segments: readonly string[]): string {
  return `/${segments.map(each => `${each}/`).join('')}`;
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
