import { randomBytes } from 'node:crypto';
import { SchemaRegistry as StockRegistry } from '@kafkajs/confluent-schema-registry';
import fc from 'fast-check';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type Compatibility,
  openSerdes,
  recordTopicNames,
  type Serdes,
  schemas,
  subjects,
  topics,
} from '#schemas';
import { breakages } from '../../schemas/compatibility.ts';
import { anyRecord } from '../../schemas/record-arbitrary.ts';
import { ccompatRegistry } from './ccompat-registry.ts';
import { registerAll } from './register-all.ts';

const url = inject('registryUrl');
const registry = ccompatRegistry({ url });
const tenant = `t${randomBytes(6).toString('hex')}`;
let serdes: Serdes;

beforeAll(async () => {
  await registerAll(registry, tenant);
  serdes = await openSerdes({ registry, tenant });
});

test('registering twice gives the same ids, and every subject has its compatibility', async () => {
  const again = await registerAll(registry, tenant);
  expect(await registerAll(registry, tenant)).toEqual(again);
  expect(await registry.subjects()).toEqual(expect.arrayContaining(again.map(entry => entry.subject)));
  for (const { subject, compatibility } of subjects(tenant)) {
    expect(await registry.compatibilityOf(subject)).toBe(compatibility);
  }
  for (const topic of recordTopicNames) {
    expect(JSON.parse(await registry.schemaById(serdes.schemaId(topic)))).toEqual(
      JSON.parse(schemas[topics[topic].record].json),
    );
  }
});

test.each(recordTopicNames)(
  '%s: the stock client and ours write the same and read each other',
  async topic => {
    const stock = new StockRegistry({ host: url });
    const serde = serdes.of(topic);
    const plain = (anyRecord(topics[topic].record) as fc.Arbitrary<unknown>).filter(
      value => !JSON.stringify(value).includes('"__proto__":'),
    );
    for (const value of fc.sample(plain, 10)) {
      const ours = serde.serialize(value as never);
      expect((await stock.encode(serdes.schemaId(topic), value)).equals(ours)).toBe(true);
      expect(JSON.stringify(await stock.decode(ours))).toBe(JSON.stringify(serde.deserialize(ours)));
    }
  },
);

test('a record of a schema the registry does not hold is unknown', async () => {
  const bytes = serdes.of('alerts.v1').serialize(fc.sample(anyRecord('Alert'), 1)[0]!);
  bytes.writeInt32BE(2_000_000_000, 1);
  await serdes.prepareFor([bytes]);
  expect(() => serdes.of('alerts.v1').deserialize(bytes)).toThrow(
    expect.objectContaining({ code: 'SCHEMA_UNKNOWN', schemaId: 2_000_000_000 }),
  );
});

describe('what may change', () => {
  const base = schemas.PolicyTransition.json;
  type Field = { name: string; type: unknown; default?: unknown };
  const changed = (change: (fields: Field[]) => unknown) => {
    const schema = JSON.parse(base);
    change(schema.fields);
    return JSON.stringify(schema);
  };
  const changes: Record<string, string> = {
    'a field with a default is added': changed(fields => fields.push({ name: 'x', type: 'int', default: 0 })),
    'a field without a default is added': changed(fields => fields.push({ name: 'x', type: 'int' })),
    'a field with a default is dropped': changed(fields => fields.pop()),
    'a field without a default is dropped': changed(fields => fields.splice(1, 1)),
    'a text becomes a number': changed(fields => Object.assign(fields[0]!, { type: 'long' })),
  };
  const modes: readonly Compatibility[] = ['BACKWARD_TRANSITIVE', 'FULL_TRANSITIVE'];

  test.each(modes.flatMap(mode => Object.entries(changes).map(([what, schema]) => ({ mode, what, schema }))))(
    '$mode: $what: the registry and our own check agree',
    async ({ mode, what, schema }) => {
      const subject = `${tenant}.${mode}.${what.replaceAll(' ', '-')}-value`;
      await registry.register({ subject, schema: base, compatibility: mode });
      const breaks = breakages({ record: 'PolicyTransition', current: schema, earlier: { v1: base }, mode });
      const registered = registry.register({ subject, schema, compatibility: mode });
      if (breaks.length === 0) expect(await registered).toBeGreaterThan(0);
      else await expect(registered).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' });
    },
  );

  test('records of an older and of a newer version are read, asked for by their id', async () => {
    const compatibility = 'BACKWARD_TRANSITIVE';
    const subject = `${tenant}.versions-value`;
    const value = fc.sample(anyRecord('PolicyTransition'), 1)[0]!;
    const older = await registry.register({
      subject,
      schema: changed(fields => fields.pop()),
      compatibility,
    });
    const newer = await registry.register({
      subject,
      schema: changes['a field with a default is added']!,
      compatibility,
    });
    const stock = new StockRegistry({ host: url });
    const bytes = [await stock.encode(older, value), await stock.encode(newer, value)];
    const serde = serdes.of('policy-transitions.v1');
    expect(() => serde.deserialize(bytes[0]!)).toThrow(expect.objectContaining({ code: 'SCHEMA_UNKNOWN' }));
    await serdes.prepareFor(bytes);
    expect(serde.deserialize(bytes[0]!)).toEqual({ ...value, evidence: [] });
    expect(serde.deserialize(bytes[1]!)).toEqual(value);
  });
});
