/**
 * Parts of paths that differ from run to run.
 *
 * Owns: what such a part looks like. Names of what a container creates are judged harder than of what it reads: a file
 * it reads was there before, under a name somebody gave it.
 */

export interface FleetingPart {
  /** Index of the first segment that is fleeting, from 0 after the leading slash. */
  readonly segment: number;
  readonly token: Token;
}

export type Token = 'pid' | 'uuid' | 'hex' | 'digits' | 'date' | 'temporary' | 'generation';

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const longHex = /(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]{16,}(?![0-9a-z])/i;
const longDigits = /\d{6,}/;
const date = /\d{4}[-_.]\d{2}[-_.]\d{2}/;
/** Volumes of Kubernetes: `..2024_11_24_13_00_00.123456789`, reached through the link `..data`. */
const generation = /^\.\.\d{4}_\d{2}_\d{2}_/;
const number = /(?:^|[-_.])\d+(?=$|[-_.])/;
/** `mkstemp` and its like: six or more letters and digits, of more than one kind. */
const randomPart = /(?:^|[-_.])([0-9A-Za-z]{6,12})$/;
const pythonTemporary = /^tmp[0-9a-z_]{8}$/;
/** Pids; 1 is the container's own first process in every run. */
const processId = /^(?:[2-9]|[1-9]\d+)$/;

/** What came with the image has the same names in every run, whatever they look like. */
const ofImage = /^\/(usr|lib[^/]*|bin|sbin|opt|etc|boot)\//;

/** The first fleeting segment of a path; undefined when all of it will be the same in the next run. */
export function fleetingPart(path: string, isWritten: boolean): FleetingPart | undefined {
  const segments = path.split('/').slice(1);
  if (!isWritten && ofImage.test(path)) return firstGeneration(segments);
  const isProc = segments[0] === 'proc';
  for (const [index, segment] of segments.entries()) {
    const token = isProc && index <= 3 ? processToken(segments, index) : tokenOf(segment, isWritten);
    if (token) return { segment: index, token };
  }
  return undefined;
}

function firstGeneration(segments: readonly string[]): FleetingPart | undefined {
  const segment = segments.findIndex(each => generation.test(each));
  return segment < 0 ? undefined : { segment, token: 'generation' };
}

/** `/proc/<pid>` and `/proc/<pid>/task/<tid>`. */
function processToken(segments: readonly string[], index: number): Token | undefined {
  const isThread = index === 3 && segments[2] === 'task';
  return (index === 1 || isThread) && processId.test(segments[index]!) ? 'pid' : undefined;
}

function tokenOf(segment: string, isWritten: boolean): Token | undefined {
  if (generation.test(segment)) return 'generation';
  if (uuid.test(segment)) return 'uuid';
  if (longHex.test(segment)) return 'hex';
  if (date.test(segment)) return 'date';
  if (longDigits.test(segment)) return 'digits';
  if (!isWritten) return undefined;
  if (number.test(segment)) return 'digits';
  return pythonTemporary.test(segment) || isRandom(randomPart.exec(segment)?.[1]) ? 'temporary' : undefined;
}

/** A word has its capitals in front and its digits behind, if any. */
function isRandom(part: string | undefined): boolean {
  if (part === undefined) return false;
  const mixesCase = /[a-z]/.test(part) && /[A-Z]/.test(part) && !/^[A-Z]?[a-z]+\d*$/.test(part);
  const mixesDigits = /[A-Za-z]/.test(part) && /\d[A-Za-z]/.test(part);
  return mixesCase || mixesDigits;
}
