import { setImmediate as nextTurn } from 'node:timers/promises';
import { map, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { type ConsumerHandler, type LogClient, type MemoryLog, memoryLog, type OutgoingRecord } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  type DeadLetter,
  keyValueStore,
  manualClock,
  merge,
  process,
  type ReadOnlyStore,
  repartition,
  runStreams,
  type StreamsOptions,
  selectKey,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const countText = { key: textSerde, value: jsonSerde<number>() };
const counting = () =>
  topology('counting', b => {
    b.source('words', text).pipe(
      tap(record => {
        if (record.value === 'halt') throw new TypeError('halt here');
      }),
      count({ store: keyValueStore({ name: 'counts', ...countText }) }),
      to('totals', countText),
    );
  });

const word = (key: string, value = 'x'): OutgoingRecord => ({
  topic: 'words',
  key: Buffer.from(key),
  value: Buffer.from(value),
});

/** A log with the topics above, and applications on it. */
async function setUp(partitions = 2) {
  const clock = manualClock(1_000_000);
  const log = memoryLog({ now: () => clock.now() });
  const client = log.client();
  const admin = await client.admin();
  await admin.createTopics(
    ['words', 'totals', 'names', 'dead'].map(topic => ({
      topic,
      partitions: topic === 'dead' ? 1 : partitions,
    })),
  );
  const producer = await client.producer();
  const start = async (options: Partial<StreamsOptions> = {}) => {
    const streams = runStreams({
      topology: counting(),
      client: log.client(),
      applicationId: 'app',
      clock,
      deadLetters: { topic: 'dead', value: jsonSerde<DeadLetter>() },
      ...options,
    });
    const starting = streams.start();
    starting.catch(() => {});
    await until(() => streams.state !== 'created' && streams.state !== 'starting');
    await starting;
    return streams;
  };
  /** Lets time and work pass until it holds. */
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 2_000; i += 1) {
      if (holds()) return;
      // Not log.idle(): a handler may be waiting for the clock.
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      clock.advance(50);
    }
    throw new Error('it never came to hold');
  };
  const committed = async () => {
    const offsets = await admin.committed('app', ['words']);
    return offsets.reduce((sum, { offset }) => sum + offset, 0);
  };
  return { clock, log, admin, producer, start, until, committed };
}

const totals = (log: MemoryLog) =>
  log.records('totals').map(({ key, value }) => [key!.toString(), JSON.parse(value!.toString())]);
const last = (log: MemoryLog) => Object.fromEntries(totals(log));

describe('runStreams', () => {
  it('creates its topics, processes, writes and commits', async () => {
    const { log, admin, producer, start, until, committed } = await setUp();
    const streams = await start();
    expect((await admin.listTopics()).toSorted()).toEqual(
      ['app-checkpoints', 'app-counts-changelog', 'dead', 'names', 'totals', 'words'].toSorted(),
    );
    expect((await admin.offsets('app-counts-changelog')).length).toBe(2);
    await producer.send(['a', 'b', 'a', 'c'].map(key => word(key)));
    await until(() => totals(log).length === 4);
    expect(last(log)).toEqual({ a: 2, b: 1, c: 1 });
    await streams.close();
    expect(await committed()).toBe(4);
    expect(streams.state).toBe('closed');
    await streams.finished;
    expect(streams.metrics()).toMatchObject({ restarts: 0, counters: { 'records.in': 4, 'records.out': 4 } });
  });

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`goes on from its state and offsets after a process was killed (${guarantee})`, async () => {
      const { log, producer, start, until, committed } = await setUp();
      const client = log.client();
      await start({ client, guarantee });
      await producer.send(Array.from({ length: 50 }, (_, i) => word(`k${i % 5}`)));
      await until(() => totals(log).length >= 50);
      await producer.send(Array.from({ length: 50 }, (_, i) => word(`k${i % 5}`)));
      await nextTurn();
      client.kill();
      const again = await start({ guarantee });
      await until(() => last(log).k0 === 20 && last(log).k4 === 20);
      await again.close();
      expect(last(log)).toEqual({ k0: 20, k1: 20, k2: 20, k3: 20, k4: 20 });
      expect(await committed()).toBe(100);
      expect(again.metrics().counters['restore.records']).toBeGreaterThan(0);
    });
  }

  it('hands state over when members come and go', async () => {
    const { log, producer, start, until } = await setUp(4);
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const total = (times: number) => () =>
      Object.values(last(log)).every(n => n === times) && Object.keys(last(log)).length === 40;
    const first = await start();
    await producer.send(keys.map(key => word(key)));
    await until(total(1));
    const second = await start();
    await producer.send(keys.map(key => word(key)));
    await until(total(2));
    expect(first.metrics().tasks.length + second.metrics().tasks.length).toBe(4);
    await first.close();
    await producer.send(keys.map(key => word(key)));
    await until(total(3));
    await second.close();
    expect(totals(log).length).toBe(120);
  });

  it('puts what cannot be read into the dead letter topic, and goes on', async () => {
    const { log, producer, start, until } = await setUp(1);
    const streams = await start();
    await producer.send([word('a'), { topic: 'words', key: null, value: Buffer.from('x') }, word('a')]);
    await until(() => log.records('dead').length === 1 && last(log).a === 2);
    const [letter] = log.records('dead');
    expect(letter!.key!.toString()).toBe('words/0');
    expect(JSON.parse(letter!.value!.toString())).toMatchObject({
      topic: 'words',
      offset: 1,
      code: 'RECORD_CORRUPT',
      application: 'app',
    });
    await streams.close();
  });

  it('stops before a record that halts, and says so', async () => {
    const { log, producer, start, until, committed } = await setUp(1);
    const streams = await start();
    await producer.send([word('a')]);
    await until(() => last(log).a === 1);
    await producer.send([word('a', 'halt'), word('a')]);
    await until(() => streams.state === 'failed');
    await expect(streams.finished).rejects.toThrow(/words\/0@1: halt here/);
    expect(last(log)).toEqual({ a: 1 });
    expect(await committed()).toBe(1);
    await streams.close();
    expect(streams.state).toBe('failed');
  });

  it('tries again while the broker is away, and rebuilds its tasks when it stays away', async () => {
    const { log, producer, start, until } = await setUp(1);
    let failures = 0;
    const client = failing(log.client(), () => failures-- > 0);
    const streams = await start({ client, patienceMs: 1_000 });
    failures = 3;
    await producer.send([word('a'), word('a')]);
    await until(() => last(log).a === 2);
    expect(streams.metrics().restarts).toBe(0);
    failures = 10;
    await producer.send([word('a')]);
    await until(() => last(log).a === 3);
    expect(streams.metrics().restarts).toBeGreaterThan(0);
    await streams.close();
    expect(totals(log)).toEqual([
      ['a', 1],
      ['a', 2],
      ['a', 3],
    ]);
  });

  it('goes on processing while a checkpoint is on its way', async () => {
    const { log, producer, start, until, committed } = await setUp(1);
    const held: (() => void)[] = [];
    const client = delayed(log.client(), topic => (topic === 'app-checkpoints' ? held : null));
    const streams = await start({ client });
    await producer.send([word('a')]);
    await until(() => held.length === 1);
    await producer.send([word('a'), word('a')]);
    await until(() => streams.metrics().counters['records.in'] === 3);
    expect(await committed()).toBe(0);
    // Its successor waits: between two marks there are the changes of one checkpoint.
    expect(log.records('app-counts-changelog').length).toBe(1);
    held[0]!();
    await until(() => held.length === 2);
    expect(await committed()).toBe(1);
    held[1]!();
    await until(() => last(log).a === 3);
    await streams.close();
    expect(await committed()).toBe(3);
  });

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`puts an output aside that the log refuses, and the rest flows (${guarantee})`, async () => {
      const { log, producer, start, until, committed } = await setUp(1);
      const inflating = topology('inflating', b => {
        b.source('words', text).pipe(
          map(record => ({
            ...record,
            value: record.value === 'big' ? 'y'.repeat(1_100_000) : record.value,
          })),
          to('totals', text),
        );
      });
      const streams = await start({ topology: inflating, guarantee });
      await producer.send([word('a', '1'), word('b', 'big'), word('c', '3')]);
      await until(() => log.records('totals').length === 2 && log.records('dead').length === 1);
      expect(log.records('totals').map(({ value }) => value!.toString())).toEqual(['1', '3']);
      expect(JSON.parse(log.records('dead')[0]!.value!.toString())).toMatchObject({
        ...{ topic: 'words', partition: 0, offset: 1, stage: 'SENDING', code: 'VALUE_INVALID' },
        value: { type: 'Buffer', data: [...Buffer.from('big')] },
      });
      await streams.close();
      expect(await committed()).toBe(3);
      expect(streams.metrics()).toMatchObject({ restarts: 0, counters: { 'records.dead-letters': 1 } });
    });
  }

  it('commits what no input caused, under exactly-once too', async () => {
    const { log, start, until } = await setUp(1);
    const t = topology('ticks', b => {
      b.source('words', text).pipe(
        process<string, string, string, string>(() => ({
          init(context) {
            const origin = { topic: 'words', partition: 0, offset: 0 };
            context.schedule(1_000, 'wall-clock', timestampMs => {
              for (let i = 0; i < 1_500; i += 1)
                context.forward({ key: `k${i}`, value: 'x', timestampMs, headers: {}, origin });
            });
          },
          process() {},
        })),
        to('totals', text),
      );
    });
    const streams = await start({ topology: t, guarantee: 'exactly-once' });
    await until(() => log.records('totals').length >= 3_000);
    await streams.close();
  });

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`keeps tasks over a rebalance that leaves them here, and restores those that were away (${guarantee})`, async () => {
      const { log, producer, start, until } = await setUp(4);
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
      const done = (times: number) => () =>
        totals(log).length >= 40 * times && Object.values(last(log)).every(n => n === times);
      const first = await start({ guarantee });
      await producer.send(keys.map(key => word(key)));
      await until(done(1));
      const second = await start({ guarantee });
      await until(() => second.metrics().tasks.length === 2);
      await producer.send(keys.map(key => word(key)));
      await until(done(2));
      expect(first.metrics().counters['restore.records'] ?? 0).toBe(0);
      expect(second.metrics().counters['restore.records']).toBeGreaterThan(0);
      await second.close();
      await producer.send(keys.map(key => word(key)));
      await until(done(3));
      // Those that were away were processed there: what this process still had of them would be wrong.
      expect(first.metrics().counters['restore.records']).toBeGreaterThan(0);
      // Taking one back is no trouble: nobody is fenced who should not be.
      expect(first.metrics().restarts).toBe(0);
      await first.close();
      expect(totals(log).length).toBe(120);
    });
  }

  it('makes a checkpoint before its partitions go to another member', async () => {
    const { log, producer, start, until, committed } = await setUp(2);
    const first = await start({ commitIntervalMs: 1e9 });
    await producer.send(Array.from({ length: 20 }, (_, i) => word(`k${i}`)));
    await until(() => first.metrics().counters['records.in'] === 20);
    expect(totals(log)).toEqual([]);
    const second = await start({ commitIntervalMs: 1e9 });
    await until(() => second.metrics().tasks.length === 1);
    expect(totals(log).length).toBe(20);
    expect(await committed()).toBe(20);
    await first.close();
    await second.close();
    expect(totals(log).length).toBe(20);
  });

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`takes over from a copy what another member had, and restores only the rest (${guarantee})`, async () => {
      const { log, producer, start, until } = await setUp(2);
      const common = { guarantee, standbys: 1, standbyIntervalMs: 200 };
      const client = log.client();
      const first = await start({ ...common, client });
      const second = await start(common);
      const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
      await producer.send(keys.map(key => word(key)));
      await until(() => totals(log).length === 500);
      expect(first.metrics()).toMatchObject({ tasks: ['0_0'], standbys: ['0_1'] });
      expect(second.metrics()).toMatchObject({ tasks: ['0_1'], standbys: ['0_0'] });
      await until(() => (second.metrics().counters['standby.records'] ?? 0) > 100);
      // What the copy is asked for is what the task had.
      const copied = second.store('counts', 0) as ReadOnlyStore<string, number>;
      const original = first.store('counts', 0) as ReadOnlyStore<string, number>;
      await until(() => copied.size === original.size);
      expect([...copied.all()]).toEqual([...original.all()]);
      client.kill();
      await producer.send(keys.map(key => word(key)));
      await until(() => totals(log).length === 1_000);
      expect(Object.values(last(log)).every(n => n === 2)).toBe(true);
      expect(second.metrics()).toMatchObject({ tasks: ['0_0', '0_1'], standbys: [] });
      expect(second.metrics().counters['restore.records'] ?? 0).toBe(0);
      await second.close();
    });
  }

  it('has no copy of what no checkpoint completed', async () => {
    const { log, producer, start, until } = await setUp(1);
    const held: (() => void)[] = [];
    let isHolding = false;
    const inner = log.client();
    const client = delayed(inner, topic => (isHolding && topic === 'app-checkpoints' ? held : null));
    const common = { standbys: 1, standbyIntervalMs: 100 };
    await start({ ...common, client });
    const second = await start(common);
    await producer.send([word('a')]);
    await until(() => second.metrics().counters['standby.records'] === 1);
    isHolding = true;
    await producer.send([word('a'), word('b')]);
    await until(() => held.length === 1);
    expect(log.records('app-counts-changelog').length).toBe(3);
    for (let i = 0; i < 20; i += 1) await until(() => true);
    const copied = second.store('counts', 0) as ReadOnlyStore<string, number>;
    expect([...copied.all()]).toEqual([['a', 1]]);
    inner.kill();
    await until(() => second.metrics().tasks.length === 1 && last(log).b === 1);
    expect(last(log)).toEqual({ a: 2, b: 1 });
    await second.close();
  });

  it('joins the group anew when its consumer stopped', async () => {
    const { log, producer, start, until } = await setUp(1);
    const stops: ((error: Error) => void)[] = [];
    const inner = log.client();
    const client: LogClient = {
      ...inner,
      consumer(options) {
        const consumer = inner.consumer(options);
        return Object.assign(Object.create(consumer), {
          run: (handler: ConsumerHandler) => {
            stops.push(error => handler.onFailed?.(error));
            return consumer.run(handler);
          },
          commit: consumer.commit.bind(consumer),
          seek: consumer.seek.bind(consumer),
          close: consumer.close.bind(consumer),
        });
      },
    };
    const streams = await start({ client });
    await producer.send([word('a')]);
    await until(() => last(log).a === 1);
    stops[0]!(new SluiceError('CONSUMER_STOPPED', 'nothing was heard of it'));
    await producer.send([word('a')]);
    await until(() => last(log).a === 2);
    expect(streams.metrics().restarts).toBe(1);
    expect(stops.length).toBe(2);
    await streams.close();
    expect(totals(log).length).toBe(2);
  });

  it('has global tables filled before the first record, and keeps following them', async () => {
    const { log, producer, start, until } = await setUp();
    const named = topology('named', b => {
      const names = b.globalTable('names', text);
      b.source('words', text).pipe(
        withGlobal(names, (record, view) => ({ ...record, value: view.get(record.value) ?? '?' })),
        to('totals', text),
      );
    });
    const name = (key: string, value: string) => ({
      topic: 'names',
      key: Buffer.from(key),
      value: Buffer.from(value),
    });
    await producer.send([name('1', 'one'), name('2', 'two'), word('a', '1'), word('b', '2')]);
    const streams = await start({ topology: named });
    const seen = () => log.records('totals').map(({ value }) => value!.toString());
    await until(() => seen().length === 2);
    expect(seen().toSorted()).toEqual(['one', 'two']);
    await producer.send([name('3', 'three')]);
    await log.idle();
    await producer.send([word('c', '3')]);
    await until(() => seen().length === 3);
    expect(seen().at(-1)).toBe('three');
    await streams.close();
  });

  it('reads no further back than a global table asks for', async () => {
    const { clock, log, producer, start, until } = await setUp();
    const named = topology('named', b => {
      const names = b.globalTable('names', { ...text, lookBackMs: 60_000 });
      b.source('words', text).pipe(
        withGlobal(names, (record, view) => ({ ...record, value: view.get(record.value) ?? '?' })),
        to('totals', text),
      );
    });
    const name = (key: string, value: string, agoMs: number) => ({
      ...{ topic: 'names', partition: 0, key: Buffer.from(key), value: Buffer.from(value) },
      timestampMs: clock.now() - agoMs,
    });
    await producer.send([name('1', 'one', 600_000), name('2', 'two', 1000), word('a', '1'), word('b', '2')]);
    const streams = await start({ topology: named });
    const seen = () => log.records('totals').map(({ value }) => value!.toString());
    await until(() => seen().length === 2);
    expect(seen().toSorted()).toEqual(['?', 'two']);
    await streams.close();
  });

  it('runs sub-topologies one after the other, through topics of its own', async () => {
    const { log, producer, start, until } = await setUp(3);
    const t = topology('values', b => {
      b.source('words', text).pipe(
        selectKey(record => record.value),
        repartition({ name: 'by-value', ...text }),
        count({ store: keyValueStore({ name: 'counts', ...countText }) }),
        to('totals', countText),
      );
    });
    const streams = await start({ topology: t });
    await producer.send(['a', 'b', 'c', 'd', 'e'].map(key => word(key, 'same')));
    await until(() => last(log).same === 5);
    await streams.close();
  });

  it('deletes what was processed from the topics between sub-topologies, and nothing else', async () => {
    const { log, admin, producer, start, until } = await setUp(1);
    const t = topology('values', b => {
      b.source('words', text).pipe(
        selectKey(record => record.value),
        repartition({ name: 'by-value', ...text }),
        count({ store: keyValueStore({ name: 'counts', ...countText }) }),
        to('totals', countText),
      );
    });
    const held: (() => void)[] = [];
    const client = delayed(log.client(), topic =>
      held.length < 2 && topic === 'app-checkpoints' ? held : null,
    );
    const streams = await start({ topology: t, client, purgeIntervalMs: 1_000 });
    const between = async () => (await admin.offsets('app-by-value-repartition'))[0]!;
    await producer.send(['a', 'b', 'c'].map(key => word(key, 'same')));
    await until(() => held.length === 1);
    for (let i = 0; i < 20; i += 1) await until(() => true);
    expect(await between()).toMatchObject({ earliest: 0, latest: 3 });
    held[0]!();
    await until(() => last(log).same === 3);
    await until(() => log.records('app-by-value-repartition').length === 0);
    expect(await between()).toMatchObject({ earliest: 3, latest: 3 });
    expect((await admin.offsets('words'))[0]).toMatchObject({ earliest: 0, latest: 3 });
    await streams.close();
  });

  it('punctuates by the wall clock while no records come, and commits what comes of it', async () => {
    const { log, producer, start, until, clock } = await setUp(1);
    const t = topology('ticks', b => {
      b.source('words', text).pipe(
        process<string, string, string, string>(() => {
          const kept: string[] = [];
          return {
            init(context) {
              const origin = { topic: 'words', partition: 0, offset: 0 };
              context.schedule(10_000, 'wall-clock', timestampMs => {
                for (const key of kept.splice(0))
                  context.forward({ key, value: 'later', timestampMs, headers: {}, origin });
              });
            },
            process: record => void kept.push(record.key),
          };
        }),
        to('totals', text),
      );
    });
    const streams = await start({ topology: t });
    await producer.send([word('a')]);
    await until(() => log.records('totals').length === 1);
    expect(log.records('totals')[0]!.timestampMs).toBeLessThanOrEqual(clock.now());
    await streams.close();
  });

  for (const maxTaskIdleMs of [0, -1]) {
    const does = maxTaskIdleMs === 0 ? 'takes' : 'does not take, when told not to wait,';
    it(`${does} records of two topics in the order of time, however unlike their sizes`, async () => {
      const { log, producer, start, until } = await setUp(1);
      const t = topology('merged', b => {
        merge(b.source('words', text), b.source('names', text)).pipe(
          map(record => ({ ...record, value: `${record.timestampMs}` })),
          to('totals', text),
        );
      });
      // A few of `words` fill a batch; all of `names` are one.
      const at = (topic: string, size: number) => (timestampMs: number) => ({
        ...{ topic, timestampMs, key: Buffer.from('k'), value: Buffer.alloc(size, 'x') },
      });
      await producer.send(Array.from({ length: 40 }, (_, i) => at('words', 300_000)(2 * i)));
      await producer.send(Array.from({ length: 40 }, (_, i) => at('names', 10)(2 * i + 1)));
      const streams = await start({ topology: t, maxTaskIdleMs });
      await until(() => log.records('totals').length === 80);
      const times = log.records('totals').map(({ timestampMs }) => timestampMs);
      const inOrder = Array.from({ length: 80 }, (_, i) => i);
      if (maxTaskIdleMs === 0) expect(times).toEqual(inOrder);
      else expect(times).not.toEqual(inOrder);
      expect(times.toSorted((a, b) => a - b)).toEqual(inOrder);
      await streams.close();
    });
  }

  it('processes nothing while it is paused, stays a member, and goes on where it was', async () => {
    const { log, producer, start, until, committed, clock } = await setUp(2);
    const streams = await start();
    await producer.send([word('a'), word('b')]);
    await until(() => totals(log).length === 2);
    streams.pause();
    await producer.send([word('a'), word('b'), word('c')]);
    for (let i = 0; i < 30; i += 1) await until(() => true);
    clock.advance(60_000);
    expect(totals(log).length).toBe(2);
    expect(await committed()).toBe(2);
    // Also what comes with a rebalance.
    const second = await start();
    await second.close();
    for (let i = 0; i < 30; i += 1) await until(() => true);
    expect(streams.metrics().tasks.length).toBe(2);
    expect(streams.isPaused).toBe(true);
    const before = totals(log).length;
    await producer.send([word('a')]);
    for (let i = 0; i < 30; i += 1) await until(() => true);
    expect(totals(log).length).toBe(before);
    streams.resume();
    await until(() => last(log).a === 3 && last(log).b === 2 && last(log).c === 1);
    await streams.close();
    expect(totals(log).length).toBe(6);
    expect(streams.state).toBe('closed');
  });

  it('ends in order while it is paused', async () => {
    const { producer, start } = await setUp(1);
    const streams = await start();
    streams.pause();
    await producer.send(Array.from({ length: 100 }, () => word('a')));
    await streams.close();
    expect(streams.state).toBe('closed');
  });

  it('tells how far behind it is', async () => {
    const { log, producer, start, until } = await setUp(1);
    const streams = await start();
    await producer.send([word('a'), word('a')]);
    await until(() => last(log).a === 2);
    expect(streams.lag()).toEqual([{ topic: 'words', partition: 0, lag: 0 }]);
    expect(streams.metrics().commits.count).toBeGreaterThan(0);
    await streams.close();
  });

  it('asks for what the serdes need before it deserialises, again while that is out of reach', async () => {
    const { log, producer, start, until } = await setUp(1);
    let asked = 0;
    const prepare = () => {
      asked += 1;
      if (asked === 1) return undefined;
      if (asked < 4) return Promise.reject(new SluiceError('REGISTRY_UNREACHABLE', 'not now'));
      return Promise.resolve();
    };
    const streams = await start({ prepare });
    await producer.send([word('a')]);
    await until(() => last(log).a === 1);
    await producer.send([word('a')]);
    await until(() => last(log).a === 2);
    expect(asked).toBe(4);
    expect(streams.metrics().restarts).toBe(0);
    await streams.close();
  });

  it('refuses to start on topics that are not there, or not co-partitioned', async () => {
    const { admin, start } = await setUp();
    const joined = (other: string) =>
      topology('joined', b => {
        const store = keyValueStore({ name: 'counts', ...countText });
        b.source('words', text).pipe(count({ store }));
        b.source(other, text).pipe(
          map(record => record),
          count({ store }),
        );
      });
    await expect(start({ topology: joined('nowhere') })).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await admin.createTopics([{ topic: 'wide', partitions: 7 }]);
    await expect(start({ topology: joined('wide') })).rejects.toThrow(/words 2, wide 7.*repartition/);
    await admin.createTopics([{ topic: 'app-counts-changelog', partitions: 9 }]);
    await expect(start()).rejects.toThrow(/app-counts-changelog has 9 partitions and needs 2/);
  });
});

/** A client whose sends to some topics end only when they are let go. */
function delayed(client: LogClient, heldOf: (topic: string) => (() => void)[] | null): LogClient {
  return {
    ...client,
    async producer() {
      const producer = await client.producer();
      return {
        ...producer,
        async send(records) {
          const held = records[0] ? heldOf(records[0].topic) : null;
          if (held) await new Promise<void>(resolve => held.push(resolve));
          return producer.send(records);
        },
      };
    },
  };
}

/** A client whose producers fail as an unreachable broker makes them. */
function failing(client: LogClient, fails: () => boolean): LogClient {
  return {
    ...client,
    async producer() {
      const producer = await client.producer();
      return {
        ...producer,
        async send(records) {
          if (fails()) throw new SluiceError('BROKER_UNREACHABLE', 'away');
          return producer.send(records);
        },
      };
    },
  };
}
