import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import type { LogProducer, OutgoingRecord } from '#kafka';
import { Emitter, type EmitterOptions, type Spooled } from './emitter.ts';

const record = (sequence: number, sizeBytes = 10): Spooled => ({
  topic: 't',
  key: null,
  value: Buffer.alloc(sizeBytes),
  timestampMs: 1000 + sequence,
  sequence,
});

/** A broker whose next answers are scripted: an error code, or else it takes the records. */
function scripted(answers: (string | undefined)[] = [], refuse: (r: Spooled) => boolean = () => false) {
  const taken: number[][] = [];
  let producers = 0;
  const producer = async (): Promise<LogProducer> => {
    producers += 1;
    return {
      async send(records: readonly OutgoingRecord[]) {
        const answer = answers.shift();
        if (answer) throw new SluiceError(answer as 'BROKER_UNREACHABLE', answer);
        if ((records as Spooled[]).some(refuse)) throw new SluiceError('VALUE_INVALID', 'too large');
        taken.push((records as Spooled[]).map(r => r.sequence ?? 0));
        return [];
      },
      async close() {},
    };
  };
  return { taken, producer, producers: () => producers };
}

function emitterOn(broker: ReturnType<typeof scripted>, options: Partial<EmitterOptions> = {}) {
  const seen = {
    delivered: [] as number[],
    refused: [] as number[],
    retries: [] as string[],
    pressure: [] as boolean[],
  };
  const emitter = new Emitter({
    producer: broker.producer,
    limitBytes: 1_000_000,
    flushMs: 5,
    onDelivered: records => seen.delivered.push(...records.map(r => r.sequence ?? 0)),
    onRefused: r => seen.refused.push(r.sequence ?? 0),
    onRetry: error => seen.retries.push(error.code),
    onPressure: pressed => seen.pressure.push(pressed),
    ...options,
  });
  return { emitter, seen };
}

describe('the emitter', () => {
  it('sends what is pushed together as one batch, urgent records first', async () => {
    const broker = scripted();
    const { emitter, seen } = emitterOn(broker);
    emitter.push(record(1));
    emitter.push(record(2));
    emitter.push(record(3), { urgent: true });
    expect(emitter.numbered).toBe(3);
    expect(emitter.oldestMs).toBe(1001);
    await emitter.close(1000);
    expect(broker.taken).toEqual([[3, 1, 2]]);
    expect(seen.delivered).toEqual([3, 1, 2]);
    expect(emitter.numbered).toBe(0);
    expect(emitter.sizeBytes).toBe(0);
  });

  it('sends by itself within the flush time', async () => {
    const broker = scripted();
    const { emitter } = emitterOn(broker);
    emitter.push(record(1));
    await new Promise(resolve => setTimeout(resolve, 60));
    expect(broker.taken).toEqual([[1]]);
    await emitter.close(0);
  });

  it('keeps records while the broker is away and delivers them in order when it is back', async () => {
    const broker = scripted(['BROKER_UNREACHABLE', 'BROKER_UNREACHABLE']);
    const { emitter, seen } = emitterOn(broker);
    emitter.push(record(1));
    await new Promise(resolve => setTimeout(resolve, 30));
    emitter.push(record(2));
    expect(emitter.healthy).toBe(false);
    expect(emitter.numbered).toBe(2);
    await emitter.close(5000);
    expect(broker.taken).toEqual([[1], [2]]);
    expect(seen.retries).toEqual(['BROKER_UNREACHABLE', 'BROKER_UNREACHABLE']);
    expect(broker.producers()).toBe(1);
  });

  it('takes another producer when the first is spent', async () => {
    const broker = scripted(['PRODUCER_FENCED']);
    const { emitter, seen } = emitterOn(broker);
    emitter.push(record(1));
    await emitter.close(2000);
    expect(seen.delivered).toEqual([1]);
    expect(broker.producers()).toBe(2);
  });

  it('refuses exactly the record that the broker refuses', async () => {
    const broker = scripted([], r => r.sequence === 5);
    const { emitter, seen } = emitterOn(broker);
    for (let n = 1; n <= 9; n++) emitter.push(record(n));
    await emitter.close(2000);
    expect(seen.refused).toEqual([5]);
    expect(seen.delivered.sort()).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
    expect(emitter.numbered).toBe(0);
  });

  it('says when the spool is over its limit and when there is room again, and drops nothing', async () => {
    const broker = scripted(['BROKER_UNREACHABLE']);
    const { emitter, seen } = emitterOn(broker, { limitBytes: 1000 });
    for (let n = 1; n <= 20; n++) emitter.push(record(n, 100));
    expect(seen.pressure).toEqual([true]);
    await emitter.close(5000);
    expect(seen.pressure).toEqual([true, false]);
    expect(seen.delivered).toHaveLength(20);
  });

  it('leaves what a broker that stays away did not take, and says how much', async () => {
    const broker = scripted(Array(1000).fill('BROKER_UNREACHABLE'));
    const { emitter } = emitterOn(broker);
    emitter.push(record(1));
    emitter.push(record(2));
    await emitter.close(50);
    expect(emitter.numbered).toBe(2);
  });
});
