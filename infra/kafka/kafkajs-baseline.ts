import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { OutgoingRecord } from './port.ts';

/** What each contestant does with the same records; each answers how long it took. */
export interface Contestant {
  produce(topic: string, sends: readonly (readonly OutgoingRecord[])[]): Promise<number>;
  consume(topic: string, records: number): Promise<number>;
}

/** Milliseconds. */
export async function timed(act: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

/** kafkajs as it comes, for benchmarks to compare with: the settings that give the same guarantees. */
export function raw(bootstrapServers: string): Contestant {
  const brokers = bootstrapServers.split(',');
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  return {
    async produce(topic, sends) {
      const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner });
      await producer.connect();
      const tookMs = await timed(async () => {
        for (const records of sends) {
          const messages = records.map(({ key, value, partition }) => ({
            key,
            value,
            partition: partition!,
          }));
          await producer.send({ topic, messages });
        }
      });
      await producer.disconnect();
      return tookMs;
    },
    async consume(topic, records) {
      const all = Promise.withResolvers<void>();
      let seen = 0;
      const consumer = kafka.consumer({ groupId: randomUUID() });
      await consumer.connect();
      const tookMs = await timed(async () => {
        await consumer.subscribe({ topic, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            seen += batch.messages.length;
            if (seen >= records) all.resolve();
          },
        });
        await all.promise;
      });
      await consumer.disconnect();
      return tookMs;
    },
  };
}
