import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MemoryClient, type MemoryLog, memoryLog } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import { count, keyValueStore, manualClock, runStreams, type Streams, to, topology } from '../index.ts';
import { guarantees } from '../torture/counting.ts';
import { outputViolations } from '../torture/verdict.ts';

const counts = { key: textSerde, value: jsonSerde<number>() };
const counting = () =>
  topology('counting', b => {
    b.source('words', { key: textSerde, value: textSerde }).pipe(
      count({ store: keyValueStore({ name: 'counts', ...counts }) }),
      to('totals', counts),
    );
  });

/** One life of one or two members: how much comes, and when they are killed. */
const life = fc.record({
  words: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 600, size: 'max' }),
  turns: fc.integer({ min: 0, max: 120 }),
  members: fc.integer({ min: 1, max: 2 }),
  /** Small ones have outputs sent ahead of their checkpoints all the time. */
  maxBufferedOutputs: fc.constantFrom(1, 7, 20_000),
  standbys: fc.integer({ min: 0, max: 1 }),
  inOrder: fc.boolean(),
});

const tally = (words: readonly string[]) => {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return found;
};

function sequences(log: MemoryLog): ReadonlyMap<string, readonly number[]> {
  const found = Map.groupBy(log.records('totals'), ({ key }) => key!.toString());
  return new Map([...found].map(([key, records]) => [key, records.map(({ value }) => Number(`${value}`))]));
}

describe('members that are killed at any moment', () => {
  for (const guarantee of guarantees) {
    it(`leave each word counted once, in outputs as often as they guarantee (${guarantee})`, async () => {
      const lives = fc.array(life, { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(lives, async all => {
          const clock = manualClock(1_000_000);
          const log = memoryLog({ now: () => clock.now() });
          const admin = await log.client().admin();
          await admin.createTopics(['words', 'totals', 'dead'].map(topic => ({ topic, partitions: 2 })));
          const producer = await log.client().producer();
          const pass = async () => {
            for (let turn = 0; turn < 3; turn += 1) await nextTurn();
            clock.advance(20);
          };
          const start = (options: { maxBufferedOutputs: number; standbys: number }) => {
            const client = slow(log.client());
            const streams = runStreams({
              ...{ topology: counting(), client, applicationId: 'app', clock, guarantee, ...options },
              ...{ commitIntervalMs: 50, standbyIntervalMs: 50 },
              deadLetters: { topic: 'dead', value: jsonSerde() },
            });
            streams.start().catch(() => {});
            return { client, streams };
          };
          const words: string[] = [];
          for (const { words: fresh, turns, members, inOrder, ...options } of all) {
            const running = Array.from({ length: members }, () => start(options));
            const keys = fresh.map(index => `word-${index}`);
            words.push(...keys);
            const send = (some: readonly string[]) =>
              producer.send(
                some.map(key => ({ topic: 'words', key: Buffer.from(key), value: Buffer.from('x') })),
              );
            // Bit by bit, so that there is always something between a checkpoint and its mark.
            for (let turn = 0; turn < turns; turn += 1) {
              await send(keys.splice(0, 5));
              await pass();
            }
            await send(keys);
            for (const { client, streams } of running) {
              if (inOrder) await ended(streams, pass);
              client.kill();
            }
          }
          const { streams } = start({ maxBufferedOutputs: 20_000, standbys: 0 });
          const committed = async () =>
            (await admin.committed('app', ['words'])).reduce((sum, { offset }) => sum + offset, 0);
          for (let i = 0; i < 2_000 && (await committed()) < words.length; i += 1) await pass();
          await ended(streams, pass);
          expect(await committed()).toBe(words.length);
          expect(outputViolations(tally(words), sequences(log), guarantee)).toEqual([]);
        }),
        { numRuns: 40 },
      );
    });
  }
});

/** A client whose writes take turns of the event loop, before and after they are done: others have theirs meanwhile. */
function slow(client: MemoryClient): MemoryClient {
  let writes = 0;
  const slowly = async <T>(write: () => Promise<T>): Promise<T> => {
    const turns = (writes++ * 7) % 5;
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    const done = await write();
    for (let turn = 0; turn < turns; turn += 1) await nextTurn();
    return done;
  };
  return {
    ...client,
    async producer() {
      const producer = await client.producer();
      return { ...producer, send: records => slowly(() => producer.send(records)) };
    },
    async transactionalProducer(id) {
      const producer = await client.transactionalProducer(id);
      return {
        close: () => producer.close(),
        async begin() {
          const transaction = await producer.begin();
          return {
            send: records => slowly(() => transaction.send(records)),
            sendOffsets: (group, offsets) => slowly(() => transaction.sendOffsets(group, offsets)),
            commit: () => slowly(() => transaction.commit()),
            abort: () => transaction.abort(),
          };
        },
      };
    },
  };
}

async function ended(streams: Streams, pass: () => Promise<void>): Promise<void> {
  let isClosed = false;
  const closing = streams.close().then(() => {
    isClosed = true;
  });
  while (!isClosed) await pass();
  await closing;
}
