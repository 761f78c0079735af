/** An application in memory, with as many members as a test wants, and what asks them. */

import { afterEach, expect } from 'vitest';
import { memoryLog } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  type DeadLetter,
  keyValueStore,
  process,
  runStreams,
  type ServeOptions,
  type Streams,
  type StreamsServer,
  serveStreams,
  timelineStore,
  to,
  topology,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const counts = keyValueStore({ name: 'counts', key: textSerde, value: jsonSerde<number>() });
const seen = timelineStore({ name: 'seen', key: textSerde, value: textSerde, retentionMs: 1_000_000 });
const byValue = keyValueStore({
  name: 'by-value',
  key: jsonSerde<{ readonly word: string }>(),
  value: jsonSerde<number>(),
});

/** Counts by key; notes when each key came; counts by value, wherever the key is. */
export const words = () =>
  topology('words', b => {
    const source = b.source('words', text);
    source.pipe(count({ store: counts }), to('totals', { key: textSerde, value: jsonSerde<number>() }));
    source.pipe(
      process(
        () => {
          let note: (key: string, value: string, timestampMs: number) => void;
          return {
            init(context) {
              const times = context.store(seen);
              const values = context.store(byValue);
              note = (key, value, timestampMs) => {
                times.put(key, timestampMs, value, timestampMs);
                const word = { word: value };
                values.put(word, (values.get(word) ?? 0) + 1);
              };
            },
            process: ({ key, value, timestampMs }) => note(key, value, timestampMs),
          };
        },
        { name: 'note', stores: [seen, byValue] },
      ),
    );
  });

export const partitions = 4;
export const keys = Array.from({ length: 20 }, (_, i) => `key-${String(i).padStart(2, '0')}`);
export type Body = { readonly [name: string]: unknown };

/** What a test has to end. */
export const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export const setUp = async () => {
  const log = memoryLog();
  const client = log.client();
  const admin = await client.admin();
  await admin.createTopics(['words', 'totals', 'dead'].map(topic => ({ topic, partitions })));
  const producer = await client.producer();
  const send = (pairs: readonly (readonly [string, string])[], timeMs?: number) =>
    producer.send(
      pairs.map(([key, value], i) => ({
        ...{
          topic: 'words',
          key: Buffer.from(key),
          value: Buffer.from(value),
          timestampMs: timeMs ?? 1_000 * (i + 1),
        },
      })),
    );
  const start = async (options: Partial<ServeOptions> = {}) => {
    const streams = runStreams({
      topology: words(),
      client: log.client(),
      applicationId: 'app',
      commitIntervalMs: 20,
      deadLetters: { topic: 'dead', value: jsonSerde<DeadLetter>() },
    });
    const server = await serveStreams(streams, { listen: '127.0.0.1:0', ...options });
    closing.push(
      () => server.close(),
      () => streams.close(),
    );
    await streams.start();
    return { streams, server };
  };
  return { log, send, start };
};

export const ask = async ({ endpoint }: StreamsServer, path: string, init: RequestInit = {}) => {
  const response = await fetch(`http://${endpoint}${path}`, init);
  const body = (await response.json()) as Body;
  return { status: response.status, headers: response.headers, body };
};

/** All entries, page by page. */
export const pages = async (server: StreamsServer, path: string) => {
  const entries: Body[] = [];
  for (let next: unknown = ''; next !== null; ) {
    const { body } = await ask(server, next === '' ? path : `${path}&next=${next}`);
    entries.push(...(body.entries as Body[]));
    next = body.next;
  }
  return entries;
};

export const settled = async (members: readonly Streams[], records: number) => {
  await expect
    .poll(() => members.reduce((sum, each) => sum + (each.metrics().counters['records.in'] ?? 0), 0))
    .toBe(records);
};
export const shared = async (members: readonly Streams[]) => {
  await expect
    .poll(() => members.map(each => each.group()?.members.length))
    .toEqual(members.map(() => members.length));
};
