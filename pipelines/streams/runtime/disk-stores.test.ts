import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type LogClient, memoryLog } from '#kafka';
import { jsonSerde, type Serde, textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  type ReadOnlyStore,
  runStreams,
  type Streams,
  to,
  topology,
} from '../index.ts';
import { staleTasks, tidyState } from './state-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-streams-'));
afterAll(() => rmSync(root, { recursive: true }));

const json = jsonSerde<number>();
const totals = { key: textSerde, value: json };
const underTest = () =>
  topology('counting', b => {
    b.source('in', { key: textSerde, value: textSerde }).pipe(
      count({ store: keyValueStore({ name: 'counts', ...totals, engine: 'disk' }) }),
      to('out', totals),
    );
  });

type Guarantee = 'at-least-once' | 'exactly-once';

describe('stores on disk of a running application', () => {
  const open: Streams[] = [];
  afterEach(async () => {
    for (const streams of open.splice(0)) await streams.close();
  });

  const start = async (client: LogClient, guarantee: Guarantee, stateDir: string, made = underTest()) => {
    const warnings: string[] = [];
    const streams = runStreams({
      ...{ topology: made, client, applicationId: 'app', guarantee, stateDir, commitIntervalMs: 5 },
      deadLetters: { topic: 'dead', value: json as never },
      logger: { warn: (_, message) => void warnings.push(message), error: () => {} },
    });
    open.push(streams);
    await streams.start();
    const total = () => {
      const store = streams.store('counts', 0) as ReadOnlyStore<string, number> | null;
      return store ? [...store.all()].reduce((sum, [, value]) => sum + value, 0) : 0;
    };
    return { streams, total, warnings };
  };

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`go on from their files after a restart, without reading their changelog (${guarantee})`, async () => {
      const stateDir = mkdtempSync(join(root, 'state-'));
      const client = memoryLog().client();
      const admin = await client.admin();
      await admin.createTopics(['in', 'out', 'dead'].map(topic => ({ topic, partitions: 1 })));
      const producer = await client.producer();
      const send = (times: number) =>
        producer.send(
          Array.from({ length: times }, (_, i) => ({
            topic: 'in',
            key: Buffer.from(`k${i}`),
            value: Buffer.from('x'),
          })),
        );
      await send(100);
      const first = await start(client, guarantee, stateDir);
      await expect.poll(first.total).toBe(100);
      await first.streams.close();
      const second = await start(client, guarantee, stateDir);
      expect(second.total()).toBe(100);
      expect(second.streams.metrics().counters['restore.records'] ?? 0).toBe(0);
      await send(50);
      await expect.poll(second.total).toBe(150);
      await second.streams.close();
      rmSync(stateDir, { recursive: true });
      const third = await start(client, guarantee, stateDir);
      expect(third.total()).toBe(150);
      expect(third.streams.metrics().counters['restore.records']).toBeGreaterThan(0);
      expect([...first.warnings, ...second.warnings, ...third.warnings]).toEqual([]);
    });
  }

  it('are rebuilt, and nothing is lost, when they turn out to be corrupt while records are processed', async () => {
    const stateDir = mkdtempSync(join(root, 'state-'));
    const client = memoryLog().client();
    const admin = await client.admin();
    await admin.createTopics(['in', 'out', 'dead'].map(topic => ({ topic, partitions: 1 })));
    const producer = await client.producer();
    // More than the database keeps in memory.
    const wide: Serde<number> = {
      serialize: value => Buffer.from(String(value).padEnd(50_000)),
      deserialize: bytes => Number(bytes.toString()),
    };
    const memory = { cacheBytes: 100, bufferBytes: 100 };
    const counts = keyValueStore({ name: 'counts', key: textSerde, value: wide, engine: 'disk', memory });
    const wideTopology = topology('wide', b => {
      b.source('in', { key: textSerde, value: textSerde }).pipe(count({ store: counts }), to('out', totals));
    });
    const keys = Array.from({ length: 200 }, (_, i) => `k${i}`);
    const send = () =>
      producer.send(keys.map(key => ({ topic: 'in', key: Buffer.from(key), value: Buffer.from('x') })));
    const { streams, total, warnings } = await start(client, 'at-least-once', stateDir, wideTopology);
    await send();
    await expect.poll(total).toBe(200);
    for (const name of ['rows.db', 'rows.db-wal']) {
      const file = openSync(join(stateDir, 'app', '0_0', 'counts', name), 'r+');
      const { size } = fstatSync(file);
      // In the middle of pages that hold nothing but a part of a value.
      for (let at = 8 * 4_096 + 2_000; at < size; at += 4_096) writeSync(file, Buffer.from('9'), 0, 1, at);
      closeSync(file);
    }
    await send();
    await expect.poll(total).toBe(400);
    expect(warnings.join()).toMatch(/counts is corrupt .* it is deleted, and rebuilt from the changelog/);
    expect(streams.metrics().restarts).toBe(1);
  }, 60_000);

  it('stop an application that has no place for them, before it reads anything', async () => {
    const client = memoryLog().client();
    const admin = await client.admin();
    await admin.createTopics(['in', 'out', 'dead'].map(topic => ({ topic, partitions: 1 })));
    const streams = runStreams({
      ...{ topology: underTest(), client, applicationId: 'app' },
      deadLetters: { topic: 'dead', value: json as never },
    });
    await expect(Promise.all([streams.start(), streams.finished])).rejects.toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(/stateDir/) }),
    );
  });
});

describe('the state directory', () => {
  const minuteMs = 60_000;

  it('gives up tasks that were elsewhere for ten minutes, and no others', () => {
    const left = [
      { taskId: '0_0', usedAtMs: 0 },
      { taskId: '0_1', usedAtMs: 0 },
      { taskId: '0_2', usedAtMs: 5 * minuteMs },
    ];
    expect(staleTasks(left, { held: new Set(['0_0']), nowMs: 10 * minuteMs })).toEqual(['0_1']);
    expect(staleTasks(left, { held: new Set(), nowMs: 10 * minuteMs - 1 })).toEqual([]);
  });

  it('loses the files of those tasks, but not of a task that another process has', () => {
    const path = mkdtempSync(join(root, 'tidy-'));
    const made = (taskId: string, usedAtMs: number) => {
      const directory = join(path, 'app', taskId, 'counts');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'rows.db'), '');
      for (const each of [join(directory, 'rows.db'), join(path, 'app', taskId)])
        utimesSync(each, usedAtMs / 1_000, usedAtMs / 1_000);
      return directory;
    };
    const [held, stale, fresh] = [made('0_0', 0), made('0_1', 0), made('0_2', 55 * minuteMs)];
    const logger = { warn() {}, error() {} };
    const options = { path, applicationId: 'app', owner: {}, held: new Set(['0_0']), logger };
    tidyState({ ...options, nowMs: 60 * minuteMs });
    expect([held, stale, fresh].map(each => existsSync(each))).toEqual([true, false, true]);
    expect(existsSync(join(path, 'app', '0_1'))).toBe(false);
    tidyState({ ...options, applicationId: 'nobody', nowMs: 60 * minuteMs });
  });
});
