/**
 * Sends records at a given rate, whether or not anybody keeps up (an open loop).
 *
 * A record's time is when it was due, not when it was sent: whoever measures from it leaves no waiting out, neither this
 * process' nor the broker's (no coordinated omission). Arguments: broker, topic, records per second, keys, seconds.
 * The last line says how many were sent, and the 99th percentile of how long after its due time a record was acknowledged.
 */

import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaClient, type OutgoingRecord } from '#kafka';
import { Histogram } from './statistics.ts';
import { keyIndexOf, keyOf } from './workload.ts';

const [bootstrapServers = '', topic = '', ...numbers] = process.argv.slice(2);
const [perSecond = 0, keys = 0, seconds = 0] = numbers.map(Number);
const value = Buffer.alloc(200, 'x');
const keyBytes = Array.from({ length: keys }, (_, index) => Buffer.from(keyOf(index)));
const client = kafkaClient({ bootstrapServers, clientId: 'bench-pace' });
const producer = await client.producer();
const slip = new Histogram(60_000);
const total = perSecond * seconds;
const startMs = Date.now();
const dueMs = (i: number) => startMs + Math.floor((i * 1_000) / perSecond);

for (let sent = 0; sent < total; ) {
  const due = Math.min(total, Math.floor(((Date.now() - startMs) * perSecond) / 1_000) + 1);
  if (due === sent) {
    await sleep(1);
    continue;
  }
  const batch: OutgoingRecord[] = [];
  for (let i = sent; i < due; i += 1)
    batch.push({ topic, key: keyBytes[keyIndexOf(i, keys)]!, value, timestampMs: dueMs(i) });
  await producer.send(batch);
  const nowMs = Date.now();
  for (let i = sent; i < due; i += 1) slip.add(nowMs - dueMs(i));
  sent = due;
}
process.stdout.write(`${JSON.stringify({ sent: total, sendP99Ms: slip.percentile(0.99) })}\n`);
await client.close();
