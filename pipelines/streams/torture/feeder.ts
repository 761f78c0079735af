import type { LogClient } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Random } from './random.ts';

export interface FeederOptions {
  readonly client: LogClient;
  readonly topic: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Different words. */
  readonly words: number;
  readonly ratePerSecond: number;
  readonly signal: AbortSignal;
}

const pauseMs = 20;

/**
 * Writes words until the signal, whatever becomes of the broker. Resolves with how many were acknowledged; there may be more of
 * them in the topic.
 */
export async function feed(options: FeederOptions): Promise<number> {
  const { client, topic, clock, random, words, ratePerSecond, signal } = options;
  let acknowledged = 0;
  let producer = await client.producer();
  const beganMs = clock.now();
  for (let sent = 0; !signal.aborted; ) {
    const due = Math.floor(((clock.now() - beganMs) * ratePerSecond) / 1_000) - sent;
    // After an absence of the broker: not all at once.
    const count = Math.min(due, ratePerSecond);
    sent += Math.max(0, due);
    const records = Array.from({ length: Math.max(0, count) }, () => ({
      topic,
      key: Buffer.from(`word-${random.between(1, words)}`),
      value: Buffer.from('x'),
      timestampMs: clock.now(),
    }));
    try {
      await producer.send(records);
      acknowledged += records.length;
    } catch {
      await producer.close().catch(() => {});
      producer = await client.producer().catch(() => producer);
    }
    await clock.sleep(pauseMs, signal);
  }
  await producer.close().catch(() => {});
  return acknowledged;
}
