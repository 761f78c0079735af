import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type Batch, Lane } from './outgoing-lane.ts';
import { readProduceAnswer, writeProduceRequest } from './produce-request.ts';

const load = createRequire(import.meta.url);
interface Encoder {
  readonly buffer: Buffer;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string | null): Encoder;
  writeBytes(value: Buffer): Encoder;
}
const KafkaEncoder = load('kafkajs/src/protocol/encoder') as new () => Encoder;
const createRequest = load('kafkajs/src/protocol/request') as (request: object) => Promise<Encoder>;

function batch(topic: string, partition: number, bytes: Buffer): Batch {
  const lane = new Lane({ topic, partition, gzip: false, firstSequence: 0 });
  return {
    lane,
    bytes,
    count: 1,
    shares: [],
    deadlineMs: 0,
    order: 0,
    sequence: 0,
    unsure: false,
    astray: false,
    settled: false,
  };
}

describe('writeProduceRequest', () => {
  it.each([null, 'an-id-ü'])(
    'frames a request as kafkajs does (transactional id %s)',
    async transactionalId => {
      const one = Buffer.from('one');
      const two = Buffer.from('two, longer');
      const three = Buffer.alloc(300, 3);
      const batches = [batch('ä-topic', 3, one), batch('other', 0, two), batch('ä-topic', 1, three)];
      const pieces = writeProduceRequest({
        correlationId: 77,
        clientId: 'cliënt',
        transactionalId,
        timeoutMs: 1234,
        batches,
      });
      const body = new KafkaEncoder()
        .writeString(transactionalId)
        .writeInt16(-1)
        .writeInt32(1234)
        .writeInt32(2);
      body.writeString('ä-topic').writeInt32(2).writeInt32(3).writeBytes(one).writeInt32(1).writeBytes(three);
      body.writeString('other').writeInt32(1).writeInt32(0).writeBytes(two);
      const theirs = await createRequest({
        correlationId: 77,
        clientId: 'cliënt',
        request: { apiKey: 0, apiVersion: 7, encode: async () => body },
      });
      expect(Buffer.concat(pieces).toString('hex')).toBe(theirs.buffer.toString('hex'));
    },
  );

  it('copies no batch', () => {
    const bytes = Buffer.from('bytes');
    const request = { correlationId: 1, clientId: 'c', transactionalId: null, timeoutMs: 1 };
    expect(writeProduceRequest({ ...request, batches: [batch('t', 0, bytes)] })).toContain(bytes);
  });
});

describe('readProduceAnswer', () => {
  it('reads every partition and the throttle', () => {
    const answer = new KafkaEncoder().writeInt32(2);
    const partition = (number: number, errorCode: number, offset: number) =>
      answer.writeInt32(number).writeInt16(errorCode).writeInt64(offset).writeInt64(-1).writeInt64(5);
    answer.writeString('ä-topic').writeInt32(2);
    partition(3, 0, 2 ** 40);
    partition(1, 6, -1);
    answer.writeString('other').writeInt32(1);
    partition(0, 0, 0);
    answer.writeInt32(250);
    expect(readProduceAnswer(answer.buffer)).toEqual({
      partitions: [
        { topic: 'ä-topic', partition: 3, errorCode: 0, baseOffset: 2 ** 40 },
        { topic: 'ä-topic', partition: 1, errorCode: 6, baseOffset: -1 },
        { topic: 'other', partition: 0, errorCode: 0, baseOffset: 0 },
      ],
      throttleMs: 250,
    });
  });
});
