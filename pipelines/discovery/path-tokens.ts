/**
 * Parts of paths that differ from run to run.
 *
 * Owns: what such a part looks like. Names of what a container creates are judged harder than of what it reads: a file
 * it reads was there before, under a name somebody gave it.
 */

import { anyName, placeOf } from '#policy';
import type { PathOptions } from './path-options.ts';

export interface FleetingPart {
  /** Index of the segment, from 0 after the leading slash. */
  readonly segment: number;
  readonly token: Token;
}

export type Token =
  | 'pid'
  | 'uuid'
  | 'hex'
  | 'digits'
  | 'date'
  | 'temporary'
  | 'layer'
  | 'generation'
  /** Stands for many names already. */
  | 'many';

type Lengths = Pick<PathOptions, 'hexFrom' | 'digitsFrom'>;

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
/** Words may be spelled with a to f: one digit at least. */
const hexRun = /(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]+(?![0-9a-z])/gi;
const digitRun = /\d+/g;
const date = /\d{4}[-_.]\d{2}[-_.]\d{2}/;
/** Volumes of Kubernetes: `..2024_11_24_13_00_00.123456789`, reached through the link `..data`. */
const generation = /^\.\.\d{4}_\d{2}_\d{2}_/;
const number = /(?:^|[-_.])\d+(?=$|[-_.])/;
/** `mkstemp` and its like: six or more letters and digits, of more than one kind. */
const randomPart = /(?:^|[-_.])([0-9A-Za-z]{6,12})$/;
const pythonTemporary = /^tmp[0-9a-z_]{8}$/;
/** Pids; 1 is the container's own first process in every run. */
const processId = /^(?:[2-9]|[1-9]\d+)$/;
/** Under which container runtimes keep one directory a layer. */
const layers = /^(overlay2?|overlay-layers|overlay-images|snapshots)$/;
const layerId = /^(\d+|[0-9a-f]{10,})(-init)?$/;

/** What came with the image has the same names in every run, whatever they look like. */
const ofImage = /^\/(usr|lib[^/]*|bin|sbin|opt|etc|boot)\//;

/** The fleeting segments of a path, from the top; none when all of it will be the same in the next run. */
export function fleetingParts(path: string, isWritten: boolean, lengths: Lengths): FleetingPart[] {
  const segments = path.split('/').slice(1);
  const isFixed = !isWritten && ofImage.test(path);
  const isMadeUp = isWritten || placeOf(path) === 'scratch';
  const isProc = segments[0] === 'proc';
  return segments.flatMap((segment, index): FleetingPart[] => {
    if (generation.test(segment)) return [{ segment: index, token: 'generation' }];
    if (segment === anyName) return [{ segment: index, token: isProc && index === 1 ? 'pid' : 'many' }];
    if (isFixed) return [];
    const isLayer = layers.test(segments[index - 1] ?? '') && layerId.test(segment);
    const token = isProc
      ? processToken(segments, index)
      : isLayer
        ? 'layer'
        : tokenOf(segment, isMadeUp, lengths);
    return token ? [{ segment: index, token }] : [];
  });
}

/** `/proc/<pid>` and `/proc/<pid>/task/<tid>`. */
function processToken(segments: readonly string[], index: number): Token | undefined {
  const isThread = index === 3 && segments[2] === 'task';
  return (index === 1 || isThread) && processId.test(segments[index]!) ? 'pid' : undefined;
}

function tokenOf(segment: string, isMadeUp: boolean, { hexFrom, digitsFrom }: Lengths): Token | undefined {
  if (uuid.test(segment)) return 'uuid';
  if (hasRun(segment, hexRun, hexFrom)) return 'hex';
  if (date.test(segment)) return 'date';
  if (hasRun(segment, digitRun, digitsFrom)) return 'digits';
  if (!isMadeUp) return undefined;
  if (number.test(segment)) return 'digits';
  return pythonTemporary.test(segment) || isRandom(randomPart.exec(segment)?.[1]) ? 'temporary' : undefined;
}

function hasRun(segment: string, run: RegExp, from: number): boolean {
  return segment.match(run)?.some(({ length }) => length >= from) ?? false;
}

/** A word has its capitals in front and its digits behind, if any. */
function isRandom(part: string | undefined): boolean {
  if (part === undefined) return false;
  const mixesCase = /[a-z]/.test(part) && /[A-Z]/.test(part) && !/^[A-Z]?[a-z]+\d*$/.test(part);
  const mixesDigits = /[A-Za-z]/.test(part) && /\d[A-Za-z]/.test(part);
  return mixesCase || mixesDigits;
}
