import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  type DeadLetter,
  joinForeignKey,
  joinStream,
  keyValueStore,
  runStreams,
  type Streams,
  selectKey,
  to,
  topology,
  toStream,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const json = jsonSerde<DeadLetter>();
const join = (left: string, right: string | null) => `${left}+${right}`;

describe('joins on a real broker', () => {
  const started: Streams[] = [];
  const clients: LogClient[] = [];
  afterEach(async () => {
    for (const streams of started.splice(0)) await streams.close();
    for (const client of clients.splice(0)) await client.close();
  });

  async function setUp(partitions: Readonly<Record<string, number>>) {
    const name = `joins-${crypto.randomUUID()}`;
    const open = () => {
      const client = kafkaClient({ bootstrapServers: inject('bootstrapServers'), clientId: name });
      clients.push(client);
      return client;
    };
    const client = open();
    const admin = await client.admin();
    await admin.createTopics(
      Object.entries(partitions).map(([topic, count]) => ({ topic: `${name}-${topic}`, partitions: count })),
    );
    const producer = await client.producer();
    const send = (topic: string, key: string, value: string, timestampMs = 1_000) =>
      producer.send([
        { topic: `${name}-${topic}`, key: Buffer.from(key), value: Buffer.from(value), timestampMs },
      ]);
    const start = async (build: Parameters<typeof topology>[1]) => {
      const deadLetters = { topic: `${name}-dead`, value: json };
      const common = { client: open(), applicationId: name, deadLetters };
      const streams = runStreams({ topology: topology('joined', build), ...common });
      started.push(streams);
      await streams.start();
      return streams;
    };
    /** The last value of each key, once a record says so. */
    const last = async (until: string) => {
      for (;;) {
        const found = new Map<string, string>();
        const seen = new Set<string>();
        for (const { partition } of await admin.offsets(`${name}-out`)) {
          await client.read({
            ...{ topic: `${name}-out`, partition, from: 0 },
            onBatch: ({ records }) => {
              for (const { key, value } of records) {
                found.set(`${key}`, `${value}`);
                seen.add(`${key}=${value}`);
              }
            },
          });
        }
        if (seen.has(until)) return Object.fromEntries([...found].sort());
        await sleep(50);
      }
    };
    return { name, admin, send, start, last };
  }

  it('by foreign key join tables of different widths, through topics as wide as each, over a restart', async () => {
    const { name, admin, send, start, last } = await setUp({ orders: 3, customers: 2, out: 1, dead: 1 });
    const run = () =>
      start(b => {
        b.table(`${name}-orders`, { ...text, store: keyValueStore({ name: 'orders', ...text }) }).pipe(
          joinForeignKey(
            b.table(`${name}-customers`, { ...text, store: keyValueStore({ name: 'customers', ...text }) }),
            {
              ...{ name: 'placed', kind: 'left', select: (order: string) => order.split('/')[0]! },
              ...{ store: keyValueStore({ name: 'both', ...text }), join },
            },
          ),
          toStream(),
          to(`${name}-out`, text),
        );
      });
    const first = await run();
    for (const [key, order] of ['ann/pen', 'bob/ink', 'ann/cup', 'cid/pot'].entries())
      await send('orders', `${key}`, order);
    await send('customers', 'ann', 'Ann');
    expect(await last('2=ann/cup+Ann')).toMatchObject({ 0: expect.stringMatching(/^ann.pen/) });
    await first.close();
    await send('customers', 'ann', 'Anna');
    await send('orders', '1', 'ann/ink');
    await run();
    await last('0=ann/pen+Anna');
    await last('2=ann/cup+Anna');
    expect(await last('1=ann/ink+Anna')).toEqual({
      ...{ 0: 'ann/pen+Anna', 1: 'ann/ink+Anna', 2: 'ann/cup+Anna', 3: 'cid/pot+null' },
    });
    expect((await admin.offsets(`${name}-placed-subscription-repartition`)).length).toBe(2);
    expect((await admin.offsets(`${name}-placed-answer-repartition`)).length).toBe(3);
  });

  it('of streams wait over a restart for what matches, or for time to pass', async () => {
    const { name, admin, send, start, last } = await setUp({ left: 3, right: 2, out: 1, dead: 1 });
    const run = () =>
      start(b => {
        const right = b.source(`${name}-right`, text).pipe(selectKey(({ value }) => value));
        const span = { beforeMs: 1_000, afterMs: 1_000, graceMs: 0 };
        const serdes = { name: 'pairs', key: textSerde, left: textSerde, right: textSerde };
        const options = { ...span, ...serdes, kind: 'left', join } as const;
        b.source(`${name}-left`, text).pipe(joinStream(right, options), to(`${name}-out`, text));
      });
    const first = await run();
    await send('left', 'a', 'A', 1_000);
    await send('left', 'k', 'K', 1_000);
    await send('right', 'any', 'probe', 1_000);
    await send('left', 'probe', 'P', 1_500);
    await last('probe=P+probe');
    await first.close();
    await run();
    await send('right', 'any', 'k', 1_800);
    expect(await last('k=K+k')).toMatchObject({ k: 'K+k' });
    await send('left', 'a', 'late', 4_000);
    expect(await last('a=A+null')).toMatchObject({ k: 'K+k', a: 'A+null' });
    expect((await admin.offsets(`${name}-pairs-right-repartition`)).length).toBe(3);
  });
});
