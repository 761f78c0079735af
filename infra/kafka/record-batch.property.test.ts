import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFetchResponse } from './fetch-response.ts';
import { batchOverheadBytes, RecordBatch, recordBound, stamp } from './record-batch.ts';
import { latestMs } from './topic-rules.ts';

/** kafkajs' own encoder of the same format. */
const load = createRequire(import.meta.url);
interface Encoder {
  readonly buffer: Buffer;
}
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder;
const { RecordBatch: encodeBatch } = load('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<Encoder>;
};

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array));
const headers = fc.dictionary(
  fc.string({ minLength: 1 }).filter(name => name !== '__proto__'),
  bytes,
  { maxKeys: 3, noNullPrototype: true },
);
const time = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: 0, max: latestMs }),
);
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.option(headers, { nil: undefined }),
  timestampMs: time,
});
const records = fc.array(record, { minLength: 1, maxLength: 40 });
const who = fc.record({
  producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  sequence: fc.integer({ min: 0, max: 0x7fff_ffff }),
  transactional: fc.boolean(),
});
type Sent = Parameters<RecordBatch['append']>[0] & { timestampMs: number };

function encode(sent: readonly Sent[], { gzip = false, buffer = Buffer.alloc(0) } = {}) {
  const batch = new RecordBatch(buffer);
  for (const each of sent) batch.append(each, each.timestampMs);
  return batch.seal({ gzip });
}

/** A Fetch answer with nothing but this set of records. */
function fetched(set: Buffer) {
  const head = Buffer.alloc(66);
  head.writeInt32BE(1, 10);
  head.writeInt16BE(1, 14);
  head.write('t', 16);
  head.writeInt32BE(1, 17);
  head.writeInt32BE(set.length, 59);
  return readFetchResponse(Buffer.concat([head.subarray(0, 63), set]), () => 0)[0]!;
}

describe('RecordBatch', () => {
  it('writes what the reader of fetched records reads back, compressed or not, into a buffer of any size', () => {
    fc.assert(
      fc.property(records, who, fc.boolean(), fc.nat(4_000), (sent, by, gzip, room) => {
        const batch = encode(sent, { gzip, buffer: Buffer.alloc(room, 0xff) });
        stamp(batch, { ...by, transactional: false });
        const expected = sent.map(({ headers = {}, ...rest }, offset) => ({ ...rest, headers, offset }));
        const read = fetched(batch).records.map(({ topic, partition, ...rest }) => ({
          ...rest,
          headers: { ...rest.headers },
        }));
        expect(read).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('writes byte for byte what kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(records, who, async (sent, by) => {
        const batch = encode(sent);
        stamp(batch, by);
        const times = sent.map(each => each.timestampMs);
        const theirs = await encodeBatch({
          firstTimestamp: times[0],
          maxTimestamp: Math.max(...times),
          producerId: `${by.producerId}`,
          producerEpoch: by.producerEpoch,
          firstSequence: by.sequence,
          transactional: by.transactional,
          partitionLeaderEpoch: -1,
          lastOffsetDelta: sent.length - 1,
          records: sent.map((each, at) =>
            encodeRecord({
              ...each,
              headers: each.headers ?? {},
              offsetDelta: at,
              timestampDelta: each.timestampMs - times[0]!,
            }),
          ),
        });
        // kafkajs claims a leader epoch of 0; the checksum does not cover it.
        batch.writeInt32BE(theirs.buffer.readInt32BE(12), 12);
        expect(batch.equals(theirs.buffer)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('stamps again without a trace of the stamp before', () => {
    fc.assert(
      fc.property(records, who, who, (sent, first, second) => {
        const [once, twice] = [encode(sent), encode(sent)];
        stamp(once, second);
        stamp(twice, first);
        stamp(twice, second);
        expect(twice.equals(once)).toBe(true);
      }),
    );
  });

  it('never takes more for a record than was foretold', () => {
    fc.assert(
      fc.property(records, sent => {
        const batch = new RecordBatch(Buffer.alloc(0));
        let boundBytes = batchOverheadBytes;
        for (const each of sent) {
          const before = batch.sizeBytes;
          const takenBytes = batch.append(each, each.timestampMs);
          expect(takenBytes).toBe(batch.sizeBytes - before);
          expect(takenBytes).toBeLessThanOrEqual(recordBound(each));
          boundBytes += recordBound(each);
        }
        expect(batch.seal({ gzip: true }).length).toBeLessThanOrEqual(boundBytes);
      }),
    );
  });
});
