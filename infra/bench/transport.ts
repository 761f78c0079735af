import { randomUUID } from 'node:crypto';
import { type LogClient, type OutgoingRecord, partitionOf } from '#kafka';
import { type Contestant, timed } from '../kafka/kafkajs-baseline.ts';

export const partitions = 4;
const keys = 500;

/** The same records over and over: what is measured is the sending, not the making. */
export function sendsOf(
  topic: string,
  { records, valueBytes, perSend }: { records: number; valueBytes: number; perSend: number },
): OutgoingRecord[][] {
  const value = Buffer.alloc(valueBytes, 'x');
  const send = Array.from({ length: perSend }, (_, at) => {
    const key = Buffer.from(`cluster/namespace/workload-${at % keys}`);
    return { topic, partition: partitionOf(key, partitions), key, value };
  });
  return Array.from({ length: records / perSend }, () => send);
}

export function adapter(client: LogClient): Contestant {
  return {
    async produce(_topic, sends) {
      const producer = await client.producer();
      const tookMs = await timed(async () => {
        for (const records of sends) await producer.send(records);
      });
      await producer.close();
      return tookMs;
    },
    async consume(topic, records) {
      const all = Promise.withResolvers<void>();
      let seen = 0;
      const consumer = client.consumer({ groupId: randomUUID(), topics: [topic], startFrom: 'earliest' });
      const onBatch = async (batch: { records: readonly unknown[] }) => {
        seen += batch.records.length;
        if (seen >= records) all.resolve();
      };
      const tookMs = await timed(async () => {
        await consumer.run({ onBatch });
        await all.promise;
      });
      await consumer.close();
      return tookMs;
    },
  };
}

export async function readAll(
  client: LogClient,
  topic: string,
): Promise<{ records: number; tookMs: number }> {
  let records = 0;
  const tookMs = await timed(async () => {
    for (let partition = 0; partition < partitions; partition += 1) {
      await client.read({
        topic,
        partition,
        from: 0,
        onBatch: batch => {
          records += batch.records.length;
        },
      });
    }
  });
  return { records, tookMs };
}
