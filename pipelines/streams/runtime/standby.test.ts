import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { type LogClient, memoryLog, type OutgoingRecord } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import { Counters } from '../counters.ts';
import {
  byCatalogue,
  count,
  keyValueStore,
  manualClock,
  type ReadOnlyStore,
  runStreams,
  type StreamsOptions,
  to,
  topology,
} from '../index.ts';
import { type Mark, markRecord } from '../task/checkpoint.ts';
import { Task } from '../task/task.ts';
import { Standby } from './standby.ts';

const counts = { key: textSerde, value: jsonSerde<number>() };
const counting = (engine: 'memory' | 'disk') =>
  topology('counting', b => {
    b.source('words', { key: textSerde, value: textSerde }).pipe(
      count({ store: keyValueStore({ name: 'counts', engine, ...counts }) }),
      to('totals', counts),
    );
  });

const changelog = { topic: 'app-counts-changelog', partition: 0 };

/** A standby of a task whose changes and marks are written by hand. */
async function setUp() {
  const clock = manualClock(1_000);
  const log = memoryLog({ now: () => clock.now() });
  const client = log.client();
  const admin = await client.admin();
  const topics = [changelog.topic, 'app-checkpoints'];
  await admin.createTopics(topics.map(topic => ({ topic, partitions: 1 })));
  const producer = await client.producer();
  const counters = new Counters();
  const warnings: string[] = [];
  const { graph } = counting('memory');
  const task = new Task(graph.subTopologies()[0]!, 0, {
    ...{ graph, applicationId: 'app', clock, counters, onFailure: byCatalogue },
    deadLetter: () => ({ topic: 'dead', key: null, value: null }),
    global: () => undefined as never,
  });
  const follow = (through: LogClient = client) =>
    new Standby({
      ...{ task, client: through, admin, applicationId: 'app', clock, counters, intervalMs: 100 },
      logger: { warn: (_, message) => void warnings.push(message), error() {} },
      prepare: () => undefined,
    });
  const change = (key: string, value: number | null): OutgoingRecord => ({
    ...changelog,
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(JSON.stringify(value)),
  });
  const mark = (end: number | null, history = 'h'): OutgoingRecord => {
    const changelogs = end === null ? null : { [changelog.topic]: end };
    const made: Mark = { history, serial: 1, streamTimeMs: 0, stepTimesMs: {}, offsets: {}, changelogs };
    return markRecord(made, { topic: 'app-checkpoints', partition: 0, taskId: '0_0' });
  };
  const rounds = async () => {
    for (let i = 0; i < 20; i += 1) {
      for (let turn = 0; turn < 10; turn += 1) await nextTurn();
      clock.advance(100);
    }
  };
  const held = () => [...(task.stores.get('counts')!.store as ReadOnlyStore<string, number>).all()];
  return { client, producer, counters, warnings, follow, change, mark, rounds, held };
}

describe('a standby', () => {
  it('takes over what is below the last mark, in order, each change once', async () => {
    const { producer, counters, follow, change, mark, rounds, held } = await setUp();
    const standby = follow();
    await rounds();
    expect(standby.isWarm).toBe(true);
    await producer.send([change('a', 1), change('b', 1), change('a', 2)]);
    await rounds();
    expect(held()).toEqual([]);
    await producer.send([mark(2)]);
    await rounds();
    expect(held()).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    await producer.send([change('b', null), mark(4)]);
    await rounds();
    expect(held()).toEqual([['a', 2]]);
    expect([...standby.positions]).toEqual([[changelog.topic, 4]]);
    expect(counters.get('standby.records')).toBe(4);
    await standby.stop();
    await producer.send([change('c', 1), mark(5)]);
    await rounds();
    expect(held()).toEqual([['a', 2]]);
  });

  it('takes over all there is where writes are atomic', async () => {
    const { producer, follow, change, mark, rounds, held } = await setUp();
    await producer.send([change('a', 1), change('a', 2), mark(null)]);
    const standby = follow();
    await rounds();
    expect(held()).toEqual([['a', 2]]);
    expect(standby.history).toBe('h');
    await standby.stop();
  });

  it('goes on after trouble with the broker, and says that it is behind', async () => {
    const { client, producer, warnings, follow, change, mark, rounds, held } = await setUp();
    let isAway = true;
    const standby = follow({
      ...client,
      read(options) {
        if (isAway) throw new SluiceError('BROKER_UNREACHABLE', 'away');
        return client.read(options);
      },
    });
    await producer.send([change('a', 1), mark(1)]);
    await rounds();
    expect(held()).toEqual([]);
    expect(warnings[0]).toBe('The copy of task 0_0 is behind: away');
    isAway = false;
    await rounds();
    expect(held()).toEqual([['a', 1]]);
    expect(standby.isWarm).toBe(true);
    await standby.stop();
  });

  it('is of no use when the application began anew, or when the changelog cannot be read', async () => {
    const first = await setUp();
    await first.producer.send([first.change('a', 1), first.mark(1)]);
    const replaced = first.follow();
    await first.rounds();
    expect(replaced.isWarm).toBe(true);
    await first.producer.send([first.mark(1, 'another')]);
    await first.rounds();
    expect(replaced.isWarm).toBe(false);
    await replaced.stop();

    const second = await setUp();
    await second.producer.send([{ ...second.change('a', 1), value: Buffer.from('{') }, second.mark(1)]);
    const torn = second.follow();
    await second.rounds();
    expect(torn.isWarm).toBe(false);
    expect(second.warnings.length).toBe(1);
    await torn.stop();
  });
});

describe('standbys of stores on disk', () => {
  const folders: string[] = [];
  beforeEach(() => {
    for (let i = 0; i < 2; i += 1) folders.push(mkdtempSync(join(tmpdir(), 'sluice-standby-')));
  });
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('take over from their files', async () => {
    const clock = manualClock(1_000_000);
    const log = memoryLog({ now: () => clock.now() });
    const admin = await log.client().admin();
    await admin.createTopics(['words', 'totals', 'dead'].map(topic => ({ topic, partitions: 1 })));
    const producer = await log.client().producer();
    const until = async (holds: () => boolean) => {
      for (let i = 0; i < 3_000; i += 1) {
        if (holds()) return;
        for (let turn = 0; turn < 5; turn += 1) await nextTurn();
        clock.advance(50);
      }
      throw new Error('it never came to hold');
    };
    const start = async (client: LogClient, stateDir: string) => {
      const options: StreamsOptions = {
        ...{ topology: counting('disk'), client, applicationId: 'app', clock, stateDir },
        ...{ standbys: 1, standbyIntervalMs: 100 },
        deadLetters: { topic: 'dead', value: jsonSerde() },
      };
      const streams = runStreams(options);
      const starting = streams.start();
      await until(() => streams.state === 'running');
      await starting;
      return streams;
    };
    const keys = Array.from({ length: 2_500 }, (_, i) => `k${i}`);
    const send = () =>
      producer.send(keys.map(key => ({ topic: 'words', key: Buffer.from(key), value: Buffer.from('x') })));
    const client = log.client();
    await start(client, folders[0]!);
    const second = await start(log.client(), folders[1]!);
    await send();
    await until(() => log.records('totals').length === 2_500);
    await until(() => second.metrics().counters['standby.records'] === 2_500);
    expect((second.store('counts', 0) as ReadOnlyStore<string, number>).size).toBe(2_500);
    client.kill();
    await send();
    await until(() => log.records('totals').length === 5_000);
    expect(second.metrics().counters['restore.records'] ?? 0).toBe(0);
    const last = log.records('totals').slice(-2_500);
    expect(last.every(({ value }) => value!.toString() === '2')).toBe(true);
    await second.close();
  });
});
