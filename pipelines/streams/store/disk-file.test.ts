import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import type { DiskHistory } from './disk.ts';
import { keyValueStore } from './key-value-store.ts';
import { timelineStore } from './timeline-store.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-disk-'));
afterAll(() => rmSync(root, { recursive: true }));

const text = { key: textSerde, value: textSerde };
const history = (more: Partial<DiskHistory> = {}): DiskHistory => ({
  ...{ id: 'history', earliest: 0, end: 1_000 },
  ...more,
});
const entries = 300;
const textOf = (i: number) => `value ${i}`;
const keyOf = (i: number) => `key-${String(i).padStart(4, '0')}`;

/** So little that everything is written at once. */
const memory = { cacheBytes: 100, bufferBytes: 100 };

/** A member of a group with a store on disk, key-value or timed. */
class Member {
  readonly warnings: string[] = [];
  readonly directory: string;
  readonly identity: string;
  readonly timed: boolean;
  readonly owner = {};
  nowMs = 0;

  constructor(options: { directory?: string; identity?: string; timed?: boolean } = {}) {
    this.directory = options.directory ?? mkdtempSync(join(root, 'store-'));
    this.identity = options.identity ?? 'app/0_0/s';
    this.timed = options.timed ?? false;
  }

  /** Opens the store; `from` is where its changelog has to be read from. */
  open(found = history()) {
    const { directory, identity, owner, timed } = this;
    const disk = {
      ...{ directory, identity, owner, nowMs: () => this.nowMs },
      warn: (_: object, message: string) => void this.warnings.push(message),
    };
    const environment = { streamTimeMs: () => -1, disk };
    const opened = timed
      ? timelineStore({ name: 's', ...text, retentionMs: 1_000, engine: 'disk', memory }).open(environment)
      : keyValueStore({ name: 's', ...text, engine: 'disk', memory }).open(environment);
    const work = opened.disk!.recover(found);
    let step = work.next();
    while (!step.done) step = work.next();
    opened.disk!.begin('history');
    const { store, ...rest } = opened;
    const put = (key: string, value: string) =>
      'range' in store ? store.put(key, value, 5) : store.put(key, 7, value, 5);
    const get = (key: string) => ('range' in store ? store.get(key) : store.get(key, 7));
    const all = () =>
      'range' in store ? [...store.all()] : [...store.all()].map(([key, { value }]) => [key, value]);
    return { ...rest, disk: opened.disk!, from: step.value, size: () => store.size, put, get, all };
  }

  /** Fills the store in two checkpoints, up to an offset. */
  fill({ end = 100, count = entries, value = textOf, close = true } = {}): void {
    const { put, disk } = this.open(history({ id: null }));
    for (const [at, round] of [
      [end - 50, 'older'],
      [end, ''],
    ] as const) {
      for (let i = 0; i < count; i += 1) put(keyOf(i), value(i) + round);
      disk.settle(disk.freeze(), at);
    }
    if (close) disk.close();
  }

  file(name: string): string {
    return join(this.directory, name);
  }
}

const here = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** A process that does what the code says, with `open` for the files of a store. */
const script = (code: string) => `
  import { keyValueStore } from ${here('./key-value-store.ts')};
  import { timelineStore } from ${here('./timeline-store.ts')};
  import { textSerde } from '#schemas';
  const memory = { cacheBytes: 100, bufferBytes: 100 };
  const text = { key: textSerde, value: textSerde };
  const open = (spec, directory) => {
    const place = { directory, identity: 'app/0_0/s', owner: {}, nowMs: () => 0, warn() {} };
    const opened = spec.open({ streamTimeMs: () => -1, disk: place });
    for (const _ of opened.disk.recover({ id: null, earliest: 0, end: 0 }));
    opened.disk.begin('history');
    return opened;
  };
  ${code}`;
const node = (code: string) =>
  [process.execPath, ['--input-type=module-typescript', '-e', script(code)]] as const;

/** Fills the store in a process that is killed then. */
function fillAndDie({ directory, timed }: Member): void {
  const fill = timed
    ? "timelineStore({ name: 's', ...text, retentionMs: 1_000, engine: 'disk', memory })"
    : "keyValueStore({ name: 's', ...text, engine: 'disk', memory })";
  const [command, args] = node(`
    const opened = open(${fill}, ${JSON.stringify(directory)});
    for (const [end, round] of [[50, 'older'], [100, '']]) {
      for (let i = 0; i < 120; i += 1) {
        const key = 'key-' + String(i).padStart(4, '0');
        if (${timed}) opened.store.put(key, 7, 'value ' + i + round, 5);
        else opened.store.put(key, 'value ' + i + round, 5);
      }
      opened.disk.settle(opened.disk.freeze(), end);
    }
    process.kill(process.pid, 'SIGKILL');`);
  expect(spawnSync(command, args, { stdio: 'inherit' }).signal).toBe('SIGKILL');
}

describe('files of a store', () => {
  for (const timed of [false, true]) {
    const kind = timed ? 'timeline' : 'key-value store';

    it(`of a ${kind} hold what counted when it was closed, and where that was`, () => {
      const member = new Member({ timed });
      member.fill({ end: 100 });
      const { from, size, get, disk } = member.open();
      expect([from, size(), get(keyOf(7))]).toEqual([100, entries, 'value 7']);
      expect(member.warnings).toEqual([]);
      disk.close();
    });
  }

  it('never hold what did not count', () => {
    const member = new Member();
    member.fill({ end: 100 });
    const { put, disk } = member.open();
    put(keyOf(1), 'changed');
    disk.freeze();
    put(keyOf(2), 'changed too');
    disk.close();
    const again = member.open();
    expect([again.get(keyOf(1)), again.get(keyOf(2)), again.from]).toEqual(['value 1', 'value 2', 100]);
    again.disk.close();
  });

  it('are written in the end also when a store changes little, and then name the later offset', () => {
    const member = new Member();
    member.fill({ end: 100 });
    const { put, disk } = member.open();
    put(keyOf(1), 'changed');
    disk.settle(disk.freeze(), 120);
    disk.close();
    const again = member.open();
    expect([again.get(keyOf(1)), again.from]).toEqual(['changed', 120]);
    again.disk.close();
  });

  const reasons: Readonly<Record<string, [(member: Member) => DiskHistory, RegExp]>> = {
    'ahead of what counts': [() => history({ end: 99 }), /at offset 100 .* ends at 99/],
    'behind the beginning of their changelog': [() => history({ earliest: 101 }), /begins at 101/],
    'of another history': [() => history({ id: 'another' }), /another history/],
    'of an application that begins anew': [() => history({ id: null, end: 0 }), /another history/],
    'older than tombstones are kept': [
      member => {
        member.nowMs = 13 * 3_600_000;
        return history();
      },
      /older than tombstones/,
    ],
    'without rows': [
      member => {
        rmSync(member.file('rows.db'));
        return history();
      },
      /lacks its rows.db/,
    ],
    'cut off': [
      member => {
        truncateSync(member.file('rows.db'), 5_000);
        return history();
      },
      /not what was written/,
    ],
    'replaced by something else': [
      member => {
        rmSync(member.file('seal'));
        writeFileSync(
          member.file('rows.db'),
          'this is no database, but quite a long text about none'.repeat(100),
        );
        return history();
      },
      /is corrupt \(file is not a database\)/,
    ],
    'of an older format': [
      member => {
        rmSync(member.file('seal'));
        const database = new DatabaseSync(member.file('rows.db'));
        const { text } = database.prepare('SELECT text FROM about').get() as { text: string };
        database.exec('DROP TABLE about; CREATE TABLE about (text TEXT NOT NULL, crc INTEGER NOT NULL)');
        const older = text.replace(/"format":\d+/, '"format":0');
        const { crc32 } = process.getBuiltinModule('node:zlib');
        database.prepare('INSERT INTO about VALUES (?, ?)').run(older, crc32(older));
        database.close();
        return history();
      },
      /has format 0/,
    ],
  };
  for (const [what, [spoil, why]] of Object.entries(reasons)) {
    it(`that are ${what} are thrown away, with a warning that says so`, () => {
      const member = new Member();
      member.fill({ end: 100 });
      const found = spoil(member);
      const { from, size, disk } = member.open(found);
      expect([from, size()]).toEqual([0, 0]);
      expect(member.warnings).toHaveLength(1);
      expect(member.warnings[0]).toMatch(why);
      expect(member.warnings[0]).toMatch(/rebuilt from the changelog/);
      disk.close();
    });
  }

  it('of another task, or of a store of another kind, are thrown away', () => {
    const member = new Member();
    member.fill();
    const { directory } = member;
    const other = new Member({ directory, identity: 'app/0_1/s' });
    other.fill();
    expect(other.warnings[0]).toMatch(/belongs to app\/0_0\/s/);
    const timed = new Member({ directory, identity: 'app/0_1/s', timed: true });
    timed.open().disk.close();
    expect(timed.warnings[0]).toMatch(/another kind/);
  });

  for (const killed of [false, true]) {
    for (const timed of [false, true]) {
      const ended = killed ? 'left by a process that was killed' : 'closed in order';
      it(`${ended} never give a wrong answer when any byte of them is flipped (${timed ? 'timeline' : 'key-value'})`, () => {
        const member = new Member({ timed });
        if (killed) fillAndDie(member);
        else member.fill({ count: 120 });
        const names = readdirSync(member.directory).filter(name => !name.startsWith('lock'));
        const copy = mkdtempSync(join(root, 'copy-'));
        for (const name of names) copyFileSync(member.file(name), join(copy, name));
        const whole = member.open();
        const expected = whole.all();
        expect(expected).toHaveLength(120);
        whole.disk.close();
        const older = expected.map(([key, value]) => [key, `${value}older`]);
        const expectedAt: Readonly<Record<number, unknown>> = { 0: [], 50: older, 100: expected };
        const found = { 0: 0, 50: 0, 100: 0 } as Record<number, number>;
        for (const name of names) {
          const bytes = readFileSync(join(copy, name));
          // A stride that meets every place in a page sooner or later.
          for (let at = 0; at < bytes.length; at += killed ? 977 : 331) {
            const other = new Member({ timed });
            for (const each of names) copyFileSync(join(copy, each), other.file(each));
            const flipped = Buffer.from(bytes);
            flipped[at]! ^= 1 << (at % 8);
            writeFileSync(other.file(name), flipped);
            const { from, all, disk } = other.open();
            expect(all()).toEqual(expectedAt[from]);
            // A log of the database that is damaged at its beginning leaves files as of before anything was written.
            if (from > 0 || !killed) expect(other.warnings).toHaveLength(from === 0 ? 1 : 0);
            found[from]! += 1;
            disk.close();
            rmSync(other.directory, { recursive: true });
          }
        }
        expect(found[0]).toBeGreaterThan(10);
        // A log of the database that is cut short ends with an earlier checkpoint.
        expect(found[50]! > 0).toBe(killed);
      });
    }
  }

  it('that turn out to be corrupt while they are read end in an error that has them rebuilt, and are gone', () => {
    const member = new Member();
    // More than the database keeps in memory.
    member.fill({ value: i => textOf(i).padEnd(50_000) });
    const { get, disk } = member.open();
    const bytes = readFileSync(member.file('rows.db'));
    // Left-overs of the older round too.
    for (let at = bytes.indexOf('value 42 '); at >= 0; at = bytes.indexOf('value 42 ', at + 1))
      bytes.write('9', at + 6);
    writeFileSync(member.file('rows.db'), bytes);
    expect(() => get(keyOf(42))).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT', reaction: 'restore' }),
    );
    expect(existsSync(member.file('rows.db'))).toBe(false);
    expect(() => get(keyOf(43))).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
    disk.close();
    const again = member.open();
    expect([again.from, again.size()]).toEqual([0, 0]);
    again.disk.close();
  });

  it('are of one process at a time, until it ends, however it ends', async () => {
    const member = new Member();
    const [command, args] = node(
      `open(keyValueStore({ name: 's', ...text, engine: 'disk' }), ${JSON.stringify(member.directory)}); console.log('open'); setInterval(() => {}, 1e6);`,
    );
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      expect(() => member.open()).toThrow(
        expect.objectContaining({
          code: 'STORE_LOCKED',
          message: expect.stringMatching(/another process.*stateDir/),
        }),
      );
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    member.open().disk.close();
  });

  it('are of one member of a process at a time; the same member takes over what it left open', () => {
    const member = new Member();
    const left = member.open();
    const other = new Member({ directory: member.directory });
    expect(() => other.open()).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }));
    const again = member.open(history({ id: null, end: 0 }));
    expect(() => left.get('a')).toThrow(/is not open/);
    left.disk.close();
    again.put('a', '1');
    expect(again.get('a')).toBe('1');
    again.disk.close();
  });

  it('are as of a checkpoint after a process is killed while it writes', () => {
    const { directory } = new Member();
    const [command, args] = node(`
      const spec = keyValueStore({ name: 's', ...text, engine: 'disk' });
      const { store, disk, changelog } = open(spec, ${JSON.stringify(directory)});
      let end = 0;
      for (let round = 0; round < 30; round += 1) {
        for (let i = 0; i < 4000; i += 1) store.put('k' + i, 'round ' + round);
        end += changelog.drain('log', 0, 0).length;
        disk.settle(disk.freeze(), end);
        if (round === 29) process.kill(process.pid, 'SIGKILL');
      }`);
    expect(spawnSync(command, args, { stdio: 'inherit' }).signal).toBe('SIGKILL');
    const member = new Member({ directory });
    const { from, all, size, disk } = member.open(history({ end: 120_000 }));
    expect(member.warnings).toEqual([]);
    expect(from).toBeGreaterThan(0);
    expect(from % 4_000).toBe(0);
    expect(size()).toBe(4_000);
    const values = new Set(all().map(([, value]) => value));
    expect([...values]).toEqual([`round ${from / 4_000 - 1}`]);
    disk.close();
  });

  it('cannot be where nothing can be written, which a human has to mend', () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    mkdirSync(root, { recursive: true });
    expect(() => new Member({ directory: join(file, 's') }).open()).toThrow(
      expect.objectContaining({ code: 'STORE_UNUSABLE', reaction: 'halt' }),
    );
  });
});
