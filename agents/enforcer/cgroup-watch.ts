/**
 * Finds the container cgroups of this node, and tells of each that comes or goes.
 *
 * Owns: the walk over the cgroup tree, its watches. Does not own: what a path means (cgroup-path.ts).
 * A watch tells at once; the rescan is for what a watch can miss (a directory made before its parent was watched).
 */

import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import { containerOf } from './cgroup-path.ts';

export interface CgroupFound {
  /** The kernel's cgroup id: the inode of the directory. */
  readonly cgroupId: number;
  /** Below the root, with a leading slash. */
  readonly path: string;
  readonly podUid: string;
  readonly containerId: string;
}

export interface CgroupWatchOptions {
  /** Where cgroup v2 is mounted. */
  readonly root: string;
  /** Containers outside of pods too. */
  readonly standalone: boolean;
  readonly rescanMs: number;
  readonly onAdded: (cgroup: CgroupFound) => void;
  readonly onRemoved: (cgroup: CgroupFound) => void;
}

export class CgroupWatch {
  readonly #options: CgroupWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #found = new Map<string, CgroupFound>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CgroupWatchOptions) {
    this.#options = options;
  }

  get found(): readonly CgroupFound[] {
    return [...this.#found.values()];
  }

  /** Reports what is there before it returns. Errors: CONFIG_INVALID when the root is no directory. */
  start(): void {
    const { root, rescanMs } = this.#options;
    if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
      throw new SluiceError(
        'CONFIG_INVALID',
        `cgroup root ${root} is not there; mount cgroup v2 or set cgroupRoot`,
      );
    }
    this.rescan();
    this.#timer = setInterval(() => this.rescan(), rescanMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  rescan(): void {
    const seen = new Set<string>();
    this.#visit('', seen);
    for (const [path, cgroup] of this.#found) if (!seen.has(path)) this.#remove(path, cgroup);
    for (const path of this.#watchers.keys()) if (!seen.has(path)) this.#unwatch(path);
  }

  #visit(path: string, seen: Set<string>): void {
    seen.add(path);
    // The watch comes first: what is made after it is told, what was made before it is read now.
    this.#watch(path);
    for (const name of directories(join(this.#options.root, path))) {
      const child = `${path}/${name}`;
      const container = containerOf(child);
      if (container && (container.podUid !== '' || this.#options.standalone)) {
        seen.add(child);
        this.#add(child, container);
      } else {
        this.#visit(child, seen);
      }
    }
  }

  #add(path: string, container: { readonly podUid: string; readonly containerId: string }): void {
    const inode = statSync(join(this.#options.root, path), { bigint: true, throwIfNoEntry: false })?.ino;
    if (inode === undefined) return;
    const known = this.#found.get(path);
    if (known?.cgroupId === Number(inode)) return;
    // A path made anew is another cgroup.
    if (known) this.#remove(path, known);
    const cgroup = { cgroupId: Number(inode), path, ...container };
    this.#found.set(path, cgroup);
    this.#options.onAdded(cgroup);
  }

  #remove(path: string, cgroup: CgroupFound): void {
    this.#found.delete(path);
    this.#options.onRemoved(cgroup);
  }

  #watch(path: string): void {
    if (this.#watchers.has(path)) return;
    try {
      const watcher = watch(join(this.#options.root, path), () => this.#changed(path));
      watcher.on('error', () => this.#unwatch(path));
      this.#watchers.set(path, watcher);
    } catch {
      // Gone already, or no more watches: the rescan finds what comes.
    }
  }

  #unwatch(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }

  #changed(path: string): void {
    if (!this.#watchers.has(path)) return;
    const seen = new Set<string>();
    this.#visit(path, seen);
    const below = `${path}/`;
    for (const [found, cgroup] of this.#found) {
      if (found.startsWith(below) && !seen.has(found)) this.#remove(found, cgroup);
    }
    for (const watched of this.#watchers.keys()) {
      if (watched.startsWith(below) && !seen.has(watched)) this.#unwatch(watched);
    }
  }
}

function directories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name);
  } catch {
    return [];
  }
}
