/** Rows of a store in SQLite: what is asked of them, in SQL, and nothing else. */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';

export interface DiskKey {
  readonly key: Buffer;
  /** 0 in key-value stores. */
  readonly timeMs: number;
}

export interface DiskRow extends DiskKey {
  readonly value: Buffer;
  /** Event time of the value; -1: none. */
  readonly timestampMs: number;
  /** Of all the others. */
  readonly crc: number;
}

/** What is known of all rows together; see `sealOf`. */
export interface DiskTotals {
  /** How many rows. */
  readonly count: number;
  /** The checksums of all rows, by exclusive or. */
  readonly digest: number;
}

const schema = `
  CREATE TABLE about (text TEXT NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE entry (
    key BLOB NOT NULL, time INTEGER NOT NULL, stamp INTEGER NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (key, time)
  ) WITHOUT ROWID;`;
const byTime = 'CREATE INDEX entry_by_time ON entry (time);';

/**
 * Without waiting for the disk: what the machine has not written when it stops is found missing by the checksums. Locked for one
 * connection, so that no shared memory is needed. The cache is small: the store has its own.
 */
const settings = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
  PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;`;

const columns = 'key, time, stamp, crc, value';

export class DiskRows {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Throws what SQLite throws, as all its methods do. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 0, returnArrays: true });
    try {
      this.#database.exec(settings);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  create({ timed }: { readonly timed: boolean }): void {
    this.#database.exec(schema + (timed ? byTime : ''));
  }

  /** What `tell` wrote last; null: nothing, or something else. */
  about(): string | null {
    const found = this.#get('SELECT text, crc FROM about');
    if (!found) return null;
    const [text, crc] = found as [string, number];
    return crc === crc32(text) ? text : null;
  }

  tell(text: string): void {
    this.#run('DELETE FROM about');
    this.#run('INSERT INTO about VALUES (?, ?)', text, crc32(text));
  }

  get isWriting(): boolean {
    return this.#database.isTransaction;
  }

  begin(): void {
    this.#database.exec('BEGIN');
  }

  commit(): void {
    this.#database.exec('COMMIT');
  }

  get({ key, timeMs }: DiskKey): DiskRow | null {
    const found = this.#get('SELECT stamp, crc, value FROM entry WHERE key = ? AND time = ?', key, timeMs);
    if (!found) return null;
    const [timestampMs, crc, value] = found as [number, number, Uint8Array];
    return { key, timeMs, timestampMs, crc, value: bufferOf(value) };
  }

  /** The checksum of a row; null: there is none. */
  crcOf({ key, timeMs }: DiskKey): number | null {
    const found = this.#get('SELECT crc FROM entry WHERE key = ? AND time = ?', key, timeMs);
    return found ? (found[0] as number) : null;
  }

  put({ key, timeMs, timestampMs, crc, value }: DiskRow): void {
    this.#run('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)', key, timeMs, timestampMs, crc, value);
  }

  remove({ key, timeMs }: DiskKey): void {
    this.#run('DELETE FROM entry WHERE key = ? AND time = ?', key, timeMs);
  }

  /** In the order of keys and times, after a row, up to a key that is excluded; null: to the end. */
  after({ key, timeMs }: DiskKey, to: Buffer | null, limit: number): readonly DiskRow[] {
    const where = to === null ? '' : 'AND key < ?';
    const sql = `SELECT ${columns} FROM entry WHERE (key, time) > (?, ?) ${where} ORDER BY key, time LIMIT ?`;
    return this.#all(sql, key, timeMs, ...(to === null ? [] : [to]), limit).map(rowOf);
  }

  /** Rows of one key, both ends included, in the order of times. */
  of(key: Buffer, fromMs: number, toMs: number, limit: number): readonly DiskRow[] {
    const sql = `SELECT ${columns} FROM entry WHERE key = ? AND time >= ? AND time <= ? ORDER BY time LIMIT ?`;
    return this.#all(sql, key, fromMs, toMs, limit).map(rowOf);
  }

  /** The last row of a key at or before a time. */
  floor(key: Buffer, timeMs: number): DiskRow | null {
    const sql = `SELECT ${columns} FROM entry WHERE key = ? AND time <= ? ORDER BY time DESC LIMIT 1`;
    const found = this.#get(sql, key, timeMs);
    return found ? rowOf(found) : null;
  }

  /** In the order of times and keys, after a row, up to a time that is included. */
  afterTime({ key, timeMs }: DiskKey, toMs: number, limit: number): readonly DiskRow[] {
    const sql = `SELECT ${columns} FROM entry INDEXED BY entry_by_time
      WHERE (time, key) > (?, ?) AND time <= ? ORDER BY time, key LIMIT ?`;
    return this.#all(sql, timeMs, key, toMs, limit).map(rowOf);
  }

  /** As `afterTime`, without values. */
  keysAfterTime({ key, timeMs }: DiskKey, toMs: number, limit: number): readonly DiskKey[] {
    const sql = `SELECT key, time FROM entry INDEXED BY entry_by_time
      WHERE (time, key) > (?, ?) AND time <= ? ORDER BY time, key LIMIT ?`;
    return this.#all(sql, timeMs, key, toMs, limit).map(found => {
      const [bytes, time] = found as [Uint8Array, number];
      return { key: bufferOf(bytes), timeMs: time };
    });
  }

  /** What was not committed is gone. */
  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #get(sql: string, ...values: Value[]): readonly unknown[] | undefined {
    return this.#statement(sql).get(...values) as readonly unknown[] | undefined;
  }

  #all(sql: string, ...values: Value[]): readonly (readonly unknown[])[] {
    return this.#statement(sql).all(...values) as unknown as readonly (readonly unknown[])[];
  }

  #run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

type Value = Buffer | number | string;

/** Before every row. */
export const start: DiskKey = Object.freeze({ key: Buffer.alloc(0), timeMs: -1 });

/** The checksum of a row. */
export function sealOf({ key, timeMs, timestampMs, value }: Omit<DiskRow, 'crc'>): number {
  const bytes = crc32(value, crc32(key));
  return (bytes ^ mixed(timeMs, 0x9e3779b1) ^ mixed(timestampMs, 0x85ebca77)) >>> 0;
}

function mixed(number: number, factor: number): number {
  const low = number % 0x1_0000_0000;
  const high = Math.floor(number / 0x1_0000_0000);
  return Math.imul(low, factor) ^ Math.imul(high + 1, factor >>> 1);
}

function rowOf(found: readonly unknown[]): DiskRow {
  const [key, timeMs, timestampMs, crc, value] = found as [Uint8Array, number, number, number, Uint8Array];
  return { key: bufferOf(key), timeMs, timestampMs, crc, value: bufferOf(value) };
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
