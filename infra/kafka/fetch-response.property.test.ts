import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readFetchResponse } from './fetch-response.ts';

/** kafkajs' own encoders: the bytes are not of our making. */
const load = createRequire(import.meta.url);
interface Encoder {
  readonly buffer: Buffer;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string): Encoder;
  writeBuffer(value: Buffer): Encoder;
}
const KafkaEncoder = load('kafkajs/src/protocol/encoder') as new () => Encoder;
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder;
const { RecordBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<Encoder>;
};

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array));
const sent = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(
    fc.string({ minLength: 1 }).filter(name => name !== '__proto__'),
    bytes,
    { maxKeys: 3, noNullPrototype: true },
  ),
  timestampMs: fc.integer({ min: 1_000_000_000_000, max: 4_000_000_000_000 }),
});
const batches = fc.array(fc.array(sent, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });

async function recordSet(
  all: readonly (readonly { timestampMs: number }[])[],
  firstOffset: number,
  gzip: boolean,
) {
  const parts: Buffer[] = [];
  let offset = firstOffset;
  for (const records of all) {
    const times = records.map(record => record.timestampMs);
    const firstTimestamp = Math.min(...times);
    const batch = await RecordBatch({
      firstOffset: offset,
      compression: gzip ? 1 : 0,
      records: records.map((record, at) =>
        encodeRecord({ ...record, offsetDelta: at, timestampDelta: record.timestampMs - firstTimestamp }),
      ),
      firstTimestamp,
      maxTimestamp: Math.max(...times),
      lastOffsetDelta: records.length - 1,
    });
    parts.push(batch.buffer);
    offset += records.length;
  }
  return Buffer.concat(parts);
}

function response(set: Buffer): Buffer {
  const head = new KafkaEncoder()
    .writeInt32(0)
    .writeInt16(0)
    .writeInt32(0)
    .writeInt32(1)
    .writeString('t')
    .writeInt32(1);
  head
    .writeInt32(3)
    .writeInt16(0)
    .writeInt64(1000)
    .writeInt64(1000)
    .writeInt64(0)
    .writeInt32(-1)
    .writeInt32(-1);
  return head.writeInt32(set.length).writeBuffer(set).buffer;
}

it('reads back every record from the asked offset on, as kafkajs wrote it', async () => {
  const given = {
    all: batches,
    first: fc.integer({ min: 0, max: 2 ** 40 }),
    skip: fc.nat(10),
    gzip: fc.boolean(),
  };
  await fc.assert(
    fc.asyncProperty(fc.record(given), async ({ all, first, skip, gzip }) => {
      const raw = response(await recordSet(all, first, gzip));
      const [fetched] = readFetchResponse(raw, () => first + skip);
      const records = all
        .flat()
        .map((record, at) => ({ topic: 't', partition: 3, offset: first + at, ...record }));
      const plain = fetched!.records.map(record => ({ ...record, headers: { ...record.headers } }));
      expect(plain).toEqual(records.slice(skip));
      expect(fetched!.nextOffset).toBe(Math.max(first + records.length, first + skip));
      expect(fetched).toMatchObject({ topic: 't', partition: 3, errorCode: 0, highWatermark: 1000 });
    }),
    { numRuns: 200 },
  );
});

it('leaves a batch that was cut off by the size limit to the next fetch', async () => {
  const record = {
    key: null,
    value: Buffer.from('x'.repeat(100)),
    headers: {},
    timestampMs: 1_700_000_000_000,
  };
  const set = await recordSet([[record, record], [record]], 7, false);
  for (let cut = 1; cut < 60; cut += 1) {
    const [fetched] = readFetchResponse(response(set.subarray(0, set.length - cut)), () => 7);
    expect(fetched!.records.map(each => each.offset)).toEqual([7, 8]);
    expect(fetched!.nextOffset).toBe(9);
  }
});

it('stays where it was when nothing came', () => {
  const [fetched] = readFetchResponse(response(Buffer.alloc(0)), () => 42);
  expect(fetched).toMatchObject({ records: [], nextOffset: 42 });
});
