/**
 * Directories in which so many names were seen that they are not told apart any more.
 *
 * Owns: from when on the names of files are one. Without that, whoever writes files under ever new names has a profile that
 * grows by each of them, to no end: the rule is the directory's long before (pipelines/discovery/path-collapse.ts).
 *
 * Invariants:
 * C1 Which directories are crowded depends on the set of paths that were seen alone (I2), and what is crowded stays so.
 * C2 What is sensitive is kept as it was seen, and so is all of a directory that no rule may admit: there its names are the rules.
 */

import { anyName, mustNotBeWritten, parentOf, SensitivePaths } from '#policy';
import type { Observed } from './observe.ts';

/** More names than these, files or directories, are a crowd. */
export const crowdedFrom = 512;

const sensitive = new SensitivePaths();
const processes = '/proc/';

export class CrowdedDirectories {
  readonly #crowdedFrom: number;
  /** By operation and directory: the names in it, and (`/` at the end) of its directories that hold something. */
  readonly #names = new Map<string, Set<string>>();
  /** By operation and directory. With a slash at the end: what lies deeper, too. */
  readonly #crowded = new Set<string>();

  constructor(from = crowdedFrom) {
    this.#crowdedFrom = from;
  }

  /** Takes a behaviour in, as it is kept. True when that crowds a directory: what was seen before is to be told anew by `kept`. */
  crowds({ operation, object }: Observed): boolean {
    if (!isOfFile(operation) || sensitive.isSensitive(object)) return false;
    const parent = parentOf(object);
    let isCrowded = this.#add(operation, { directory: parent, name: object, isDeep: false });
    let below = parent;
    for (let above = parentOf(parent); above !== ''; above = parentOf(above)) {
      isCrowded = this.#add(operation, { directory: above, name: below, isDeep: true }) || isCrowded;
      below = above;
    }
    return isCrowded;
  }

  /** The behaviour as it is kept: of several crowded directories, by the highest. */
  kept(observed: Observed): Observed {
    const { operation, object } = observed;
    if (this.#crowded.size === 0 || !isOfFile(operation) || sensitive.isSensitive(object)) return observed;
    const parent = parentOf(object);
    let kept = this.#crowded.has(keyOf(operation, parent)) ? `${parent}${anyName}` : object;
    for (let above = parentOf(parent); above !== ''; above = parentOf(above))
      if (this.#crowded.has(`${keyOf(operation, above)}/`)) kept = `${above}${anyName}/${anyName}`;
    return kept === object ? observed : { ...observed, object: kept };
  }

  #add(
    operation: FileOperation,
    {
      directory,
      name,
      isDeep,
    }: { readonly directory: string; readonly name: string; readonly isDeep: boolean },
  ): boolean {
    const key = isDeep ? `${keyOf(operation, directory)}/` : keyOf(operation, directory);
    if (this.#crowded.has(key)) return false;
    const isTold = name === `${directory}${anyName}${isDeep ? '/' : ''}`;
    const names = this.#names.get(key) ?? new Set<string>();
    this.#names.set(key, names.add(name));
    if (!isTold && names.size <= this.#crowdedFrom) return false;
    if (!isCrowdable(directory, { isDeep, write: operation === 'FILE_WRITE' })) return false;
    this.#crowded.add(key);
    this.#names.delete(key);
    return true;
  }
}

/** Whether it is what is kept of a crowd. */
export function standsForMany({ operation, object }: Observed): boolean {
  return isOfFile(operation) && object.endsWith(`/${anyName}`);
}

type FileOperation = 'FILE_READ' | 'FILE_WRITE';

function isOfFile(operation: Observed['operation']): operation is FileOperation {
  return operation === 'FILE_READ' || operation === 'FILE_WRITE';
}

function keyOf(operation: FileOperation, directory: string): string {
  return `${operation} ${directory}`;
}

/** Of processes no rule can be made, whichever their numbers. */
function isCrowdable(
  directory: string,
  { isDeep, write }: { readonly isDeep: boolean; readonly write: boolean },
): boolean {
  if (directory === processes) return isDeep;
  return !sensitive.mayLieIn(directory, isDeep) && !(write && mustNotBeWritten(directory));
}
