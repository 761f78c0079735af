/**
 * What one access says there should be a rule for, whatever else was seen; and what many of them say together.
 *
 * Owns: which reason makes a path the rule of a directory, and which place is too sensitive for that.
 * Does not own: what becomes of all drafts together (generalise.ts).
 */

import { anyName, mustNotBeWritten, parentOf, SensitivePaths } from '#policy';
import type { Evidence } from '#schemas';
import { collapsed, type DirectoryAccess } from './path-collapse.ts';
import { isPattern, ofAnyProcess } from './path-decision.ts';
import type { PathOptions } from './path-options.ts';
import { type FleetingPart, fleetingParts, type Token } from './path-tokens.ts';

/** All accesses to one path. */
export interface Seen {
  readonly path: string;
  /** Without a slash at its end. */
  readonly object: string;
  write: boolean;
  readonly evidence: Evidence[];
}

export type Reason = Token | 'unnameable';

export interface Draft {
  readonly path: string;
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** Why it is a directory's; null: it is a path. */
  readonly reason: Reason | null;
}

const longestPath = 200;
const nameablePath = /^\/[^\n\r\u2028\u2029]*[^/\n\r\u2028\u2029]$/;
const nameableDirectory = /^\/([^\n\r\u2028\u2029]*\/)?$/;

/** As our enforcer and those who tell what was asked for have it; AppArmor knows the number alone. */
const ofItself = /^\/proc\/(self|thread-self)\/./;

export interface DraftOptions {
  /** Called with what is in no rule, and with what stayed a path although its name will not come again. */
  readonly report: (path: string, why: string) => void;
  /** Null: every path stays as it is. */
  readonly paths: PathOptions | null;
  /** Whether other processes' files under /proc, which no path can name, are admitted all, to be read. */
  readonly widen: boolean;
}

export class PathDrafts {
  readonly #paths: PathOptions | null;
  readonly #sensitive: SensitivePaths;
  readonly #report: DraftOptions['report'];
  readonly #widen: boolean;

  constructor({ paths, report, widen }: DraftOptions) {
    this.#paths = paths;
    this.#sensitive = new SensitivePaths(paths?.sensitive);
    this.#report = report;
    this.#widen = widen;
  }

  /** Of one access. Undefined: no rule can name it. */
  of(seen: Seen): Draft | undefined {
    const { object, write } = seen;
    const literal = literalDraft(seen);
    if (!this.#paths) return literal;
    if (this.#paths.patterns && ofItself.test(object) && !this.#sensitive.isSensitive(object))
      return { path: ofAnyProcess(object), recursive: false, readOnly: !write, reason: 'pid' };
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

  /** Of all together: the second stage. */
  ofMany(seen: readonly Seen[]): Draft[] {
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

export function literalDraft({ object, write }: Seen): Draft | undefined {
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
