import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSerdes, recordTopicNames, type Serdes, schemas, topics } from '#schemas';
import { anyRecord } from '../../schemas/record-arbitrary.ts';
import { ccompatRegistry } from './ccompat-registry.ts';
import { type StubRegistry, stubRegistry } from './stub-registry.ts';

let stub: StubRegistry;
let stock: SchemaRegistry;
let serdes: Serdes;

beforeAll(async () => {
  stub = await stubRegistry();
  stock = new SchemaRegistry({ host: stub.url });
  serdes = await openSerdes({ registry: ccompatRegistry({ url: stub.url }), tenant: 'default' });
});
afterAll(() => stub.close());

/** The stock client loses map entries of this name; ours keeps them. */
function hasProtoKey(value: unknown): boolean {
  return JSON.stringify(value).includes('"__proto__":');
}

describe.each(recordTopicNames)('%s', topic => {
  const record = topics[topic].record;

  test('the stock client writes the same bytes, and each side reads what the other wrote', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecord(record), async value => {
        const serde = serdes.of(topic);
        const ours = serde.serialize(value as never);
        const theirs = await stock.encode(serdes.schemaId(topic), value);
        expect(theirs.equals(ours)).toBe(true);
        expect(JSON.stringify(serde.deserialize(theirs))).toBe(JSON.stringify(value));
        if (!hasProtoKey(value)) {
          expect(JSON.stringify(await stock.decode(ours))).toBe(JSON.stringify(value));
        }
      }),
      { numRuns: 25 },
    );
  });

  test('a reader schema given to the stock client changes nothing that ours would read', async () => {
    const plain = (anyRecord(record) as fc.Arbitrary<unknown>).filter(value => !hasProtoKey(value));
    const [value] = fc.sample(plain, { numRuns: 1, seed: 7 });
    const bytes = serdes.of(topic).serialize(value as never);
    const readerSchema = JSON.parse(schemas[record].json);
    const theirs = await stock.decode(bytes, { AVRO: { readerSchema } } as never);
    expect(JSON.stringify(theirs)).toBe(JSON.stringify(serdes.of(topic).deserialize(bytes)));
  });
});
