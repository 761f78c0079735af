import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  type DeadLetter,
  keyValueStore,
  mapValues,
  merge,
  repartition,
  runStreams,
  type Streams,
  type StreamsOptions,
  selectKey,
  type Topology,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
describe('streams on a real broker', () => {
  const started: Streams[] = [];
  const clients: LogClient[] = [];
  afterEach(async () => {
    for (const streams of started.splice(0)) await streams.close();
    for (const client of clients.splice(0)) await client.close();
  });

  const open = (clientId: string) => {
    const client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId });
    clients.push(client);
    return client;
  };

  const setUp = async (topics: readonly string[], config: Readonly<Record<string, string>> = {}) => {
    const name = `streams-${crypto.randomUUID()}`;
    const client = open(name);
    const admin = await client.admin();
    await admin.createTopics([
      ...topics.map(topic => ({ topic: `${name}-${topic}`, partitions: 3, config })),
      { topic: `${name}-dead`, partitions: 1 },
    ]);
    const producer = await client.producer();
    const send = (topic: string, pairs: Readonly<Record<string, string>>) =>
      producer.send(
        Object.entries(pairs).map(([key, value]) => ({
          ...{ topic: `${name}-${topic}`, key: Buffer.from(key), value: Buffer.from(value) },
        })),
      );
    const start = async (t: Topology, options: Partial<StreamsOptions> = {}) => {
      const deadLetters = { topic: `${name}-dead`, value: jsonSerde<DeadLetter>() };
      const common = { topology: t, client: open(name), applicationId: name, deadLetters };
      const streams = runStreams({ ...common, ...options });
      started.push(streams);
      await streams.start();
      return streams;
    };
    /** Key and value of all records, sorted, once there are so many. */
    const read = async (topic: string, atLeast: number) => {
      for (;;) {
        const found: string[] = [];
        for (const { partition } of await admin.offsets(`${name}-${topic}`)) {
          await client.read({
            ...{ topic: `${name}-${topic}`, partition, from: 0 },
            onBatch: ({ records }) => void found.push(...records.map(({ key, value }) => `${key}=${value}`)),
          });
        }
        if (found.length >= atLeast) return found.sort();
        await sleep(50);
      }
    };
    return { name, admin, send, start, read };
  };

  it('fill global tables before the first record, and follow them', async () => {
    const { name, send, start, read } = await setUp(['names', 'in', 'out']);
    await send('names', { 1: 'one', 2: 'two' });
    await send('in', { a: '1', b: '2', c: '3' });
    let sizeOf = () => 0;
    await start(
      topology('named', b => {
        const names = b.globalTable(`${name}-names`, text);
        b.source(`${name}-in`, text).pipe(
          withGlobal(names, (record, view) => {
            sizeOf = () => view.size;
            return { ...record, value: view.get(record.value) ?? '?' };
          }),
          to(`${name}-out`, text),
        );
      }),
    );
    expect(await read('out', 3)).toEqual(['a=one', 'b=two', 'c=?']);
    await send('names', { 3: 'three' });
    while (sizeOf() < 3) await sleep(20);
    await send('in', { d: '3' });
    expect(await read('out', 4)).toContain('d=three');
  });

  it('share the work of a repartitioned topology between two members, and hand it over', async () => {
    const { name, send, start, read } = await setUp(['in', 'out']);
    const byValue = () =>
      topology('by-value', b => {
        b.source(`${name}-in`, text).pipe(
          selectKey(({ value }) => value),
          repartition({ name: 'by-value', ...text }),
          count({ store: keyValueStore({ name: 'counts', key: textSerde, value: jsonSerde<number>() }) }),
          to(`${name}-out`, { key: textSerde, value: jsonSerde<number>() }),
        );
      });
    const first = await start(byValue());
    await send('in', { a: 'x', b: 'x', c: 'y' });
    expect(await read('out', 3)).toEqual(['x=1', 'x=2', 'y=1']);
    const second = await start(byValue());
    await send('in', { d: 'x', e: 'y', f: 'z' });
    expect(await read('out', 6)).toEqual(['x=1', 'x=2', 'x=3', 'y=1', 'y=2', 'z=1']);
    const held = [...first.metrics().tasks, ...second.metrics().tasks].sort();
    expect(held).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1', '1_2']);
    await first.close();
    await send('in', { g: 'x' });
    expect(await read('out', 7)).toContain('x=4');
  });

  for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
    it(`put an output aside that its topic does not take, and the rest flows (${guarantee})`, async () => {
      const { name, send, start, read } = await setUp(['in', 'out'], { 'max.message.bytes': '3000' });
      const streams = await start(
        topology('inflating', b => {
          b.source(`${name}-in`, text).pipe(
            mapValues(value => (value === 'big' ? 'y'.repeat(4_000) : value)),
            to(`${name}-out`, text),
          );
        }),
        { guarantee },
      );
      await send('in', { a: '1', b: 'big', c: '3', d: '4' });
      expect(await read('out', 3)).toEqual(['a=1', 'c=3', 'd=4']);
      const [letter] = await read('dead', 1);
      expect(JSON.parse(letter!.slice(letter!.indexOf('=') + 1))).toMatchObject({
        ...{ topic: `${name}-in`, offset: 0, stage: 'SENDING', code: 'VALUE_INVALID', application: name },
        value: { type: 'Buffer', data: [...Buffer.from('big')] },
      });
      expect(streams.metrics().restarts).toBe(0);
    });
  }

  it('put a record that cannot be read aside, with all that it had', async () => {
    const { name, admin, start, read } = await setUp(['in', 'out']);
    const counts = { key: textSerde, value: jsonSerde<number>() };
    await start(
      topology('counting', b => {
        b.source(`${name}-in`, text).pipe(
          count({ store: keyValueStore({ name: 'counts', ...counts }) }),
          to(`${name}-out`, counts),
        );
      }),
    );
    const where = { topic: `${name}-in`, partition: 1, value: Buffer.from('x') };
    const producer = await open(`${name}-letters`).producer();
    await producer.send([
      { ...where, key: Buffer.from('a') },
      { ...where, key: null, headers: { trace: Buffer.from('7') }, timestampMs: Date.now() - 5_000 },
      { ...where, key: Buffer.from('a') },
    ]);
    const [letter] = await read('dead', 1);
    expect(letter!.startsWith(`${name}-in/1=`)).toBe(true);
    expect(JSON.parse(letter!.slice(letter!.indexOf('=') + 1))).toMatchObject({
      ...{ topic: `${name}-in`, partition: 1, offset: 1, key: null, application: name },
      ...{ stage: 'RECEIVING', code: 'RECORD_CORRUPT' },
      headers: { trace: { data: [...Buffer.from('7')] } },
    });
    expect(await read('out', 2)).toEqual(['a=1', 'a=2']);
    expect((await admin.offsets(`${name}-dead`))[0]!.latest).toBe(1);
  });

  it('delete what was processed from the topics between sub-topologies', async () => {
    const { name, admin, send, start, read } = await setUp(['in', 'out']);
    await start(
      topology('by-value', b => {
        b.source(`${name}-in`, text).pipe(
          selectKey(({ value }) => value),
          repartition({ name: 'by-value', ...text }),
          to(`${name}-out`, text),
        );
      }),
      { purgeIntervalMs: 500 },
    );
    await send('in', { a: 'x', b: 'x', c: 'y' });
    await read('out', 3);
    const left = async () => {
      const ranges = await admin.offsets(`${name}-by-value-repartition`);
      return ranges.map(({ earliest, latest }) => latest - earliest);
    };
    await expect.poll(left).toEqual([0, 0, 0]);
    const written = await admin.offsets(`${name}-by-value-repartition`);
    expect(written.reduce((sum, { latest }) => sum + latest, 0)).toBe(3);
  });

  it('take records of several topics in the order of time, however unlike in size and however they were written', async () => {
    const { name, start, admin } = await setUp(['in', 'other', 'out']);
    const client = open(`${name}-writer`);
    const count = 12_000;
    const startMs = Date.now() - 3_600_000;
    const at = (topic: string, bytes: number, shiftMs: number) => (_: unknown, index: number) => ({
      ...{ topic: `${name}-${topic}`, partition: 0, key: Buffer.from('k'), value: Buffer.alloc(bytes, 'x') },
      timestampMs: startMs + 2 * index + shiftMs,
    });
    await (await client.producer()).send(Array.from({ length: count }, at('in', 1_000, 0)));
    // The ends of transactions have offsets of their own, which no record is read from.
    const writer = await client.transactionalProducer(`${name}-writer`);
    const small = Array.from({ length: count }, at('other', 10, 1));
    for (let from = 0; from < count; from += count / 4) {
      const transaction = await writer.begin();
      await transaction.send(small.slice(from, from + count / 4));
      await transaction.commit();
    }
    await start(
      topology('merged', b => {
        merge(b.source(`${name}-in`, text), b.source(`${name}-other`, text)).pipe(
          mapValues(value => `${value.length}`),
          to(`${name}-out`, { ...text, partition: () => 0 }),
        );
      }),
    );
    await expect.poll(async () => (await admin.offsets(`${name}-out`))[0]!.latest).toBe(2 * count);
    const times: number[] = [];
    await client.read({
      ...{ topic: `${name}-out`, partition: 0, from: 0 },
      onBatch: ({ records }) => void times.push(...records.map(({ timestampMs }) => timestampMs - startMs)),
    });
    expect(times).toEqual(Array.from({ length: 2 * count }, (_, index) => index));
  });
});
