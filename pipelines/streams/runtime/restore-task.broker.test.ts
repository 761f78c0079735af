import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient, type OutgoingRecord } from '#kafka';
import { jsonSerde, type Serde, textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  type ReadOnlyStore,
  type RestoreProgress,
  runStreams,
  type Streams,
  to,
  topology,
} from '../index.ts';
import { type Mark, markRecord } from '../task/checkpoint.ts';

const entries = 1_000_000;
const sessionTimeoutMs = 6_000;
/** A number with a hundred bytes, as a value may have. */
const padded: Serde<number> = {
  serialize: value => Buffer.from(String(value).padEnd(100)),
  deserialize: bytes => Number(bytes.toString('latin1')),
};
const keyOf = (i: number) => `key-${i.toString().padStart(8, '0')}`;

describe(`a store with ${entries} entries`, () => {
  const name = `restored-${crypto.randomUUID()}`;
  const root = mkdtempSync(join(tmpdir(), 'sluice-restore-'));
  let client: LogClient;

  beforeAll(async () => {
    client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: name });
    const admin = await client.admin();
    const own = ['in', 'out', 'dead', 'counts-changelog', 'checkpoints'];
    // As the application makes its own; with retention by age the broker would delete the entries, which are old.
    const config = { 'cleanup.policy': 'compact' };
    await admin.createTopics(own.map(each => ({ topic: `${name}-${each}`, partitions: 1, config })));
    const producer = await client.producer();
    const topic = `${name}-counts-changelog`;
    for (let at = 0; at < entries; at += 50_000) {
      const records: OutgoingRecord[] = Array.from({ length: 50_000 }, (_, i) => ({
        ...{ topic, partition: 0, key: Buffer.from(keyOf(at + i)), value: padded.serialize(at + i) },
        timestampMs: 1_764_000_000_000,
      }));
      await producer.send(records);
    }
    const mark: Mark = {
      ...{ history: 'history', serial: 1, streamTimeMs: 7, stepTimesMs: {} },
      ...{ offsets: { [`${name}-in`]: 0 }, changelogs: { [topic]: entries } },
    };
    const marks = { topic: `${name}-checkpoints`, partition: 0, taskId: '0_0' };
    await producer.send([markRecord(mark, marks)]);
  });
  afterAll(async () => {
    await client.close();
    rmSync(root, { recursive: true });
  });

  const start = async (engine: 'memory' | 'disk') => {
    const counts = keyValueStore({ name: 'counts', key: textSerde, value: padded, engine });
    const progress: RestoreProgress[] = [];
    const complaints: string[] = [];
    const delays = monitorEventLoopDelay({ resolution: 5 });
    const streams: Streams = runStreams({
      topology: topology('restored', b => {
        b.source(`${name}-in`, { key: textSerde, value: textSerde }).pipe(
          count({ store: counts }),
          to(`${name}-out`, { key: textSerde, value: padded }),
        );
      }),
      ...{ client, applicationId: name, sessionTimeoutMs, stateDir: root },
      deadLetters: { topic: `${name}-dead`, value: jsonSerde<never>() },
      onRestore: each => void progress.push(each),
      logger: {
        warn: (_, message) => void complaints.push(message),
        error: (_, message) => void complaints.push(message),
      },
    });
    delays.enable();
    await streams.start();
    delays.disable();
    const store = () => streams.store('counts', 0) as ReadOnlyStore<string, number>;
    return { streams, store, progress, complaints, longestMs: delays.max / 1e6 };
  };

  for (const engine of ['memory', 'disk'] as const) {
    it(`is restored into ${engine} while its member keeps its session and its process its timers`, async () => {
      const { streams, store, progress, complaints, longestMs } = await start(engine);
      try {
        expect(store().size).toBe(entries);
        expect([0, 23_456, entries - 1].map(i => store().get(keyOf(i)))).toEqual([0, 23_456, entries - 1]);
        expect(store().timestampOf(keyOf(5))).toBe(1_764_000_000_000);
        expect(progress.at(-1)).toMatchObject({ store: 'counts', position: entries, left: 0 });
        expect(progress.at(-1)!.perSecond).toBeGreaterThan(0);
        expect(streams.metrics().counters['restore.records']).toBe(entries);
        // A heartbeat is due every third of the session.
        expect(longestMs).toBeLessThan(sessionTimeoutMs / 3);
        expect([streams.metrics().restarts, complaints]).toEqual([0, []]);
      } finally {
        await streams.close();
      }
    }, 120_000);
  }

  it('is there at once when its files are', async () => {
    const { streams, store, complaints } = await start('disk');
    try {
      expect(streams.metrics().counters['restore.records'] ?? 0).toBe(0);
      expect(store().size).toBe(entries);
      expect(store().get(keyOf(777_777))).toBe(777_777);
      expect(complaints).toEqual([]);
    } finally {
      await streams.close();
    }
  }, 120_000);
});
