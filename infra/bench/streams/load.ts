import { SluiceError } from '#errors';
import type { LogClient, OutgoingRecord } from '#kafka';
import { keyIndexOf, keyOf, payloadOf, timeOf, type Workload } from './workload.ts';

/** Makes batches of about 110 kB, as a busy producer's. */
const recordsPerSend = 2_000;

/** Fills a new topic with the workload. Resolves when the broker says that it holds each record once. */
export async function load(client: LogClient, topic: string, workload: Workload): Promise<void> {
  const { records, keys, partitions } = workload;
  const admin = await client.admin();
  const producer = await client.producer();
  try {
    await admin.createTopics([{ topic, partitions, replicas: 1 }]);
    let sending: Promise<unknown> = Promise.resolve();
    for (let first = 0; first < records; first += recordsPerSend) {
      const batch: OutgoingRecord[] = [];
      for (let i = first; i < Math.min(records, first + recordsPerSend); i += 1)
        batch.push({
          topic,
          key: Buffer.from(keyOf(keyIndexOf(i, keys))),
          value: Buffer.from(payloadOf(workload, i)),
          timestampMs: timeOf(workload, i),
        });
      await sending;
      sending = producer.send(batch);
      sending.catch(() => {});
    }
    await sending;
    const held = (await admin.offsets(topic)).reduce(
      (sum, { latest, earliest }) => sum + latest - earliest,
      0,
    );
    if (held !== records)
      throw new SluiceError('BUG', `${topic} holds ${held} records after ${records} were sent`);
  } finally {
    await producer.close();
    await admin.close();
  }
}
