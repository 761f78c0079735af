import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient } from '#kafka';
import { type Serde, textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  repartition,
  runStreams,
  type Streams,
  selectKey,
  type Topology,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const json = <T>(): Serde<T> => ({
  serialize: value => Buffer.from(JSON.stringify(value)),
  deserialize: bytes => JSON.parse(bytes.toString()),
});

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

  const setUp = async (topics: readonly string[]) => {
    const name = `streams-${crypto.randomUUID()}`;
    const client = open(name);
    const admin = await client.admin();
    await admin.createTopics(
      [...topics, 'dead'].map(topic => ({ topic: `${name}-${topic}`, partitions: 3 })),
    );
    const producer = await client.producer();
    const send = (topic: string, pairs: Readonly<Record<string, string>>) =>
      producer.send(
        Object.entries(pairs).map(([key, value]) => ({
          ...{ topic: `${name}-${topic}`, key: Buffer.from(key), value: Buffer.from(value) },
        })),
      );
    const start = async (t: Topology) => {
      const deadLetters = { topic: `${name}-dead`, value: json<never>() };
      const streams = runStreams({ topology: t, client: open(name), applicationId: name, deadLetters });
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
    return { name, send, start, read };
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
          count({ store: keyValueStore({ name: 'counts', key: textSerde, value: json<number>() }) }),
          to(`${name}-out`, { key: textSerde, value: json<number>() }),
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
});
