/**
 * The files of one store: whose they are, whether they can be trusted, and writing them.
 *
 * Owns: lock, identity, verification, transactions. Does not own: what is kept in memory before it is written (disk-entries.ts).
 *
 * Invariants:
 * F1 Rows and what they cover become visible together, or not at all.
 * F2 No row is handed out whose checksum is wrong, no file is trusted whose rows are not those that were written.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import type { DiskHistory, DiskPlace } from './disk.ts';
import { corruptFiles, diskError } from './disk-errors.ts';
import { lockDirectory } from './disk-lock.ts';
import { type DiskKey, type DiskRow, DiskRows, type DiskTotals, sealOf } from './disk-rows.ts';
import { checkRows, checkSeal, seal } from './disk-seal.ts';
import type { StoreEnvironment } from './store.ts';

/** Of what this version writes; another is thrown away. */
const format = 1;
/** Tombstones stay in a changelog for a day: files that stopped before may hold what was deleted since. */
const staleAfterMs = 12 * 3_600_000;
const fileName = 'rows.db';
const sealName = 'seal';

/** Written with every batch of rows. */
interface About extends DiskTotals {
  readonly format: number;
  readonly identity: string;
  readonly timed: boolean;
  readonly historyId: string | null;
  /** Offset of the changelog that everything before is in here. */
  readonly position: number;
  /** When that was so. */
  readonly positionAtMs: number;
}

export interface DiskFileOptions {
  readonly place: DiskPlace;
  /** Whether rows are asked for by time. */
  readonly timed: boolean;
}

/** The files of a store. Errors: CONFIG_INVALID, where the environment has no disk. */
export function diskFileOf(
  store: string,
  { disk }: StoreEnvironment,
  options: { readonly timed: boolean },
): DiskFile {
  if (disk) return new DiskFile({ ...options, place: disk });
  throw new SluiceError('CONFIG_INVALID', `store ${store} is on disk: say where, with the option stateDir`);
}

export class DiskFile {
  historyId: string | null = null;
  position = 0;
  count = 0;
  readonly #place: DiskPlace;
  readonly #timed: boolean;
  #rows: DiskRows | null = null;
  #digest = 0;
  #positionAtMs = 0;
  #unlock: (() => void) | null = null;
  #corrupt: SluiceError | null = null;

  constructor({ place, timed }: DiskFileOptions) {
    this.#place = place;
    this.#timed = timed;
  }

  get directory(): string {
    return this.#place.directory;
  }

  get isOpen(): boolean {
    return this.#rows !== null;
  }

  /** What the files take, those of the database's own log too. */
  get bytes(): number {
    const { directory } = this.#place;
    return existsSync(directory)
      ? readdirSync(directory).reduce((sum, name) => sum + (sizeOf(join(directory, name)) ?? 0), 0)
      : 0;
  }

  /** See StoreDisk. */
  *recover(history: DiskHistory): Generator<void, void> {
    const { directory, owner, warn } = this.#place;
    this.#corrupt = null;
    this.#unlock = lockDirectory(directory, owner, () => this.release());
    try {
      const why = yield* this.#trusted(history);
      if (why === null) return;
      this.historyId = history.id;
      if (why !== 'new')
        warn({ directory }, `The state in ${directory} ${why}: it is rebuilt from the changelog`);
      this.#replace();
    } catch (error) {
      this.release();
      throw diskError(directory, error);
    }
  }

  /** Empty from now on. */
  clear(): void {
    this.#guarded(() => this.#replace());
  }

  /** Errors: STORE_CORRUPT; the files are deleted then. */
  get(at: DiskKey): DiskRow | null {
    return this.#guarded(rows => {
      const row = rows.get(at);
      return row && this.#checked(row);
    });
  }

  /** The last row of a key at or before a time. Errors: STORE_CORRUPT. */
  floor(key: Buffer, timeMs: number): DiskRow | null {
    return this.#guarded(rows => {
      const row = rows.floor(key, timeMs);
      return row && this.#checked(row);
    });
  }

  crcOf(at: DiskKey): number | null {
    return this.#guarded(rows => rows.crcOf(at));
  }

  /** Rows, checked. Errors: STORE_CORRUPT. */
  read(ask: (rows: DiskRows) => readonly DiskRow[]): readonly DiskRow[] {
    return this.#guarded(rows => {
      const found = ask(rows);
      for (const row of found) this.#checked(row);
      return found;
    });
  }

  keys(ask: (rows: DiskRows) => readonly DiskKey[]): readonly DiskKey[] {
    return this.#guarded(ask);
  }

  /** A row, in place of one with the checksum `before`. Counts with the next `cover`. */
  put(row: Omit<DiskRow, 'crc'>, before: number | null): number {
    const crc = sealOf(row);
    this.#write(rows => rows.put({ ...row, crc }));
    this.#digest ^= crc ^ (before ?? 0);
    if (before === null) this.count += 1;
    return crc;
  }

  remove(at: DiskKey, before: number): void {
    this.#write(rows => rows.remove(at));
    this.#digest ^= before;
    this.count -= 1;
  }

  /** What was written since the last call is as of that offset; null: of one that is not known, but not before the last. */
  cover(position: number | null): void {
    if (position !== null && position >= this.position) {
      this.position = position;
      this.#positionAtMs = this.#place.nowMs();
    }
    this.#write(rows => {
      rows.tell(JSON.stringify(this.#about()));
      rows.commit();
    });
  }

  /** Closes in order, so that opening is cheap. Idempotent. What was not covered is gone. */
  close(): void {
    const { directory } = this.#place;
    const rows = this.#rows;
    this.#rows = null;
    try {
      if (!rows) return;
      rows.close();
      seal(join(directory, fileName), join(directory, sealName));
    } finally {
      this.release();
    }
  }

  /** Lets go of the files as they are. */
  release(): void {
    this.#rows?.close();
    this.#rows = null;
    this.#unlock?.();
    this.#unlock = null;
  }

  /** null: it can be; 'new': there is nothing; else why not. */
  *#trusted(history: DiskHistory): Generator<void, string | null> {
    const { directory } = this.#place;
    const path = join(directory, fileName);
    const others = readdirSync(directory).filter(name => !isLock(name));
    if (!existsSync(path)) return others.length === 0 ? 'new' : `lacks its ${fileName}`;
    try {
      const sealed = yield* checkSeal(path, join(directory, sealName));
      if (sealed === 'broken') return 'is not what was written';
      this.#rows = new DiskRows(path);
      const text = this.#rows.about();
      if (text === null) return 'does not say what it is';
      const about = JSON.parse(text) as About;
      if (about.position === 0 && about.count === 0) return 'new';
      const why = this.#unfit(about, history);
      if (why !== null) return why;
      if (sealed === 'unsealed' && !(yield* checkRows(this.#rows, about, this.#timed)))
        return 'is not what was written';
      this.#adopt(about);
      return null;
    } catch (cause) {
      const error = diskError(directory, cause);
      if (error.code !== 'STORE_CORRUPT') throw error;
      return `is corrupt (${cause instanceof Error ? cause.message : String(cause)})`;
    }
  }

  #unfit(about: About, { id, earliest, end }: DiskHistory): string | null {
    if (about.format !== format) return `has format ${about.format}, and ${format} is written now`;
    if (about.identity !== this.#place.identity) return `belongs to ${about.identity}`;
    if (about.timed !== this.#timed) return 'is of a store of another kind';
    if (about.historyId !== id) return 'is of another history of the application';
    if (about.position > end)
      return `is at offset ${about.position} of its changelog, and what counts ends at ${end}`;
    if (about.position < earliest)
      return `is at offset ${about.position} of its changelog, which begins at ${earliest}`;
    const ageMs = this.#place.nowMs() - about.positionAtMs;
    if (about.position < end && ageMs > staleAfterMs) return 'is older than tombstones are kept';
    return null;
  }

  #adopt({ historyId, position, positionAtMs, count, digest }: About): void {
    this.historyId = historyId;
    this.position = position;
    this.#positionAtMs = positionAtMs;
    this.count = count;
    this.#digest = digest;
  }

  /** New, empty files. */
  #replace(): void {
    const { directory, nowMs } = this.#place;
    this.#rows?.close();
    this.#rows = null;
    this.#delete();
    mkdirSync(directory, { recursive: true });
    const rows = new DiskRows(join(directory, fileName));
    this.#rows = rows;
    rows.begin();
    rows.create({ timed: this.#timed });
    this.#adopt({
      ...this.#about(),
      position: 0,
      positionAtMs: nowMs(),
      count: 0,
      digest: 0,
    });
    rows.tell(JSON.stringify(this.#about()));
    rows.commit();
  }

  /** All but the lock, which is held. */
  #delete(): void {
    const { directory } = this.#place;
    for (const name of readdirSync(directory))
      if (!isLock(name)) rmSync(join(directory, name), { recursive: true, force: true });
  }

  #about(): About {
    return {
      ...{ format, identity: this.#place.identity, timed: this.#timed, historyId: this.historyId },
      ...{ position: this.position, positionAtMs: this.#positionAtMs, count: this.count },
      digest: this.#digest >>> 0,
    };
  }

  #checked(row: DiskRow): DiskRow {
    if (sealOf(row) !== row.crc) throw corruptFiles(this.directory, 'a row is not what was written');
    return row;
  }

  #write(work: (rows: DiskRows) => void): void {
    this.#guarded(rows => {
      if (!rows.isWriting) rows.begin();
      work(rows);
    });
  }

  /** Corrupt files are deleted: the next to open them starts from nothing. */
  #guarded<T>(work: (rows: DiskRows) => T): T {
    if (this.#corrupt) throw this.#corrupt;
    if (!this.#rows)
      throw new SluiceError('BUG', `${this.directory} is not open: its task was closed, or not restored yet`);
    try {
      return work(this.#rows);
    } catch (cause) {
      const error = diskError(this.directory, cause);
      if (error.code === 'STORE_CORRUPT') {
        // Whoever asks next, another reader or the task itself, is told the same.
        this.#corrupt = error;
        this.#rows.close();
        this.#rows = null;
        this.#delete();
      }
      throw error;
    }
  }
}

/** The file that is locked, and what the database may put beside it. */
const isLock = (name: string) => name.startsWith('lock');

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;
