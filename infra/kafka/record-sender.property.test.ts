import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SluiceError } from '#errors';
import { BufferPool } from './buffer-pool.ts';
import { KafkajsProducer } from './kafkajs-producer.ts';
import type { OutgoingRecord, PartitionEnd } from './port.ts';
import { type Fault, lateMs, SimulatedBroker } from './simulated-broker.ts';

const partitions = 3;
const passing = fc.constantFrom<Fault>(
  'none',
  'none',
  'answer lost',
  'request lost',
  'request late',
  'leader moves',
  'too few replicas',
  'replicas late',
  'out of order',
);
/** How many records of one send go to each partition, and whether the next send waits for its end. */
const sends = fc.array(
  fc.record({
    counts: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: partitions, maxLength: partitions }),
    awaited: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);
type Sends = readonly { readonly counts: readonly number[]; readonly awaited: boolean }[];

interface Outcome {
  readonly records: readonly OutgoingRecord[];
  readonly ends: readonly PartitionEnd[] | null;
  readonly error: SluiceError | null;
}

const text = (record: OutgoingRecord) => record.value!.toString();

async function run(broker: SimulatedBroker, all: Sends, deliveryTimeoutMs: number): Promise<Outcome[]> {
  const producer = await new KafkajsProducer({
    link: broker.link,
    deliveryTimeoutMs,
    gzip: false,
    buffers: new BufferPool(),
    firstSequence: 0x7fff_ffff - 9,
    firstRetryMs: 1,
    onClosed() {},
  }).open();
  const outcomes: Promise<Outcome>[] = [];
  for (const [number, { counts, awaited }] of all.entries()) {
    const records = counts.flatMap((count, partition) =>
      Array.from({ length: count }, (_, at) => {
        const value = Buffer.from(`${number}/${partition}/${at}`);
        return { topic: 't', partition, key: null, value };
      }),
    );
    const outcome = producer.send(records).then(
      ends => ({ records, ends, error: null }),
      error => ({ records, ends: null, error }),
    );
    outcomes.push(outcome);
    if (awaited) await outcome;
    else await Promise.resolve();
  }
  const settled = await Promise.all(outcomes);
  await producer.close();
  return settled;
}

/** What holds whatever went wrong. */
function expectOnceAndInOrder(broker: SimulatedBroker, outcomes: readonly Outcome[]): void {
  for (const [number, { log }] of broker.partitions.entries()) {
    expect(new Set(log).size, 'no record is there twice').toBe(log.length);
    const written = outcomes
      .filter(({ ends }) => ends)
      .flatMap(({ records }) => records.filter(({ partition }) => partition === number).map(text));
    const known = new Set(written);
    expect(
      log.filter(value => known.has(value)),
      'all that was acknowledged is there, in order',
    ).toEqual(written);
  }
  for (const { records, ends } of outcomes) {
    for (const { partition, end } of ends ?? []) {
      const last = records.findLast(record => record.partition === partition)!;
      expect(broker.partitions[partition]!.log[end - 1]).toBe(text(last));
    }
  }
}

describe('RecordSender, whatever the broker does', () => {
  it('writes every record once and in order through lost answers, moving leaders and refusals that pass', async () => {
    await fc.assert(
      fc.asyncProperty(sends, fc.array(passing, { maxLength: 8 }), async (all, faults) => {
        const broker = new SimulatedBroker(partitions, faults);
        const outcomes = await run(broker, all, 2_000);
        await sleep(2 * lateMs);
        expectOnceAndInOrder(broker, outcomes);
        // What may have been written is not numbered anew: with the broker astray as well it can only be given up.
        if (faults.includes('out of order')) return;
        expect(outcomes.filter(({ error }) => error)).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it('writes nothing twice, and settles in time, when some of it is refused for good or never answered', async () => {
    const faults = fc.array(fc.oneof(passing, fc.constantFrom<Fault>('silence', 'too large')), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(sends, faults, async (all, told) => {
        const broker = new SimulatedBroker(partitions, told);
        const outcomes = await run(broker, all, 100);
        await sleep(2 * lateMs);
        expectOnceAndInOrder(broker, outcomes);
        for (const { records, error } of outcomes) {
          if (error?.code !== 'VALUE_INVALID') continue;
          const there = broker.partitions.flatMap(({ log }) => log);
          expect(records.filter(record => there.includes(text(record)))).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('goes on with numbers of its own after it gave something up', async () => {
    const broker = new SimulatedBroker(1, ['none', 'silence']);
    const one = { counts: [1], awaited: true };
    const outcomes = await run(broker, [one, one, one, one], 100);
    expect(outcomes.map(({ error }) => error?.code ?? 'written')).toEqual([
      'written',
      'BROKER_UNREACHABLE',
      'written',
      'written',
    ]);
    expect(broker.partitions[0]!.log).toEqual(['0/0/0', '2/0/0', '3/0/0']);
  });
});
