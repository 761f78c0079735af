import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type {
  BatchContext,
  ConsumerHandler,
  ConsumerOptions,
  GroupView,
  LogBatch,
  LogClient,
  LogConsumer,
  LogRecord,
  OutgoingRecord,
  TopicPartition,
} from './port.ts';

export const text = (bytes: Buffer | null): string | null => (bytes === null ? null : bytes.toString());
export const count = (length: number) => Array.from({ length }, (_, at) => `${at}`);
export const values = (records: readonly LogRecord[]) => records.map(record => text(record.value));

/** Keyless records with these values, all to one partition. */
export function outgoing(topic: string, contents: readonly string[], partition = 0): OutgoingRecord[] {
  return contents.map(value => ({ topic, partition, key: null, value: Buffer.from(value) }));
}

/** Resolves once the condition holds; rejects with what was awaited when it does not within the time. */
export async function until(what: string, condition: () => boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(5);
  }
}

/** Asks again until the answer is as expected; rejects with the last answer when it is not within the time. */
export async function eventually<T>(ask: () => Promise<T>, expected: T, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isDeepStrictEqual(answer, expected)) return;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)} after ${withinMs} ms`);
    await sleep(20);
  }
}

/** Long enough for anything wrongly on its way to have arrived. */
export const aWhile = () => sleep(400);

/** A consumer under test with all that happened to it, in order. */
export interface Observed {
  readonly consumer: LogConsumer;
  readonly records: LogRecord[];
  readonly events: string[];
  held: readonly TopicPartition[];
  /** As the last assignment made it. */
  group: GroupView | null;
  failure: Error | null;
}

/** One test's own topics, group and clients. */
export class ContractBench {
  readonly topic: string;
  readonly groupId: string;
  readonly #connect: () => LogClient;
  readonly #clients: LogClient[] = [];

  /** With another bench it shares topic and group, though not its clients. */
  constructor(connect: () => LogClient, same?: ContractBench) {
    this.#connect = connect;
    this.topic = same?.topic ?? `contract-${randomUUID().slice(0, 8)}`;
    this.groupId = `${this.topic}-group`;
  }

  client(): LogClient {
    const made = this.#connect();
    this.#clients.push(made);
    return made;
  }

  async topicOf(partitions: number, topic = this.topic): Promise<string> {
    const admin = await this.client().admin();
    await admin.createTopics([{ topic, partitions }]);
    return topic;
  }

  async send(records: readonly OutgoingRecord[]) {
    const producer = await this.client().producer();
    return producer.send(records);
  }

  async consume(
    options: Partial<ConsumerOptions> = {},
    handler: Partial<ConsumerHandler> = {},
  ): Promise<Observed> {
    const consumer = this.client().consumer({
      groupId: this.groupId,
      topics: [this.topic],
      startFrom: 'earliest',
      maxWaitMs: 100,
      ...options,
    });
    const seen: Observed = { consumer, records: [], events: [], held: [], group: null, failure: null };
    await consumer.run({
      async onBatch(batch: LogBatch, context: BatchContext) {
        await handler.onBatch?.(batch, context);
        seen.records.push(...batch.records);
      },
      async onAssigned(partitions, group, context) {
        await handler.onAssigned?.(partitions, group, context);
        seen.events.push(`assigned ${partitions.length}`);
        seen.held = partitions;
        seen.group = group;
      },
      async onRevoked(partitions) {
        await handler.onRevoked?.(partitions);
        seen.events.push(`revoked ${partitions.length}`);
        seen.held = [];
      },
      onFailed(error) {
        seen.events.push('failed');
        seen.failure = error;
        handler.onFailed?.(error);
      },
    });
    return seen;
  }

  async committed(groupId = this.groupId) {
    const admin = await this.client().admin();
    return (await admin.committed(groupId, [this.topic])).map(({ partition, offset }) => [partition, offset]);
  }

  async read(from = 0, to?: number, partition = 0): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    const range = { topic: this.topic, partition, from, ...(to === undefined ? {} : { to }) };
    await this.client().read({ ...range, onBatch: batch => void records.push(...batch.records) });
    return records;
  }

  async readValues(from = 0): Promise<(string | null)[]> {
    return values(await this.read(from));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map(client => client.close()));
  }
}

/** The bench of the test that runs. */
export type Bench = () => ContractBench;
