import { expect, test } from 'vitest';
import { SluiceError } from '#errors';
import { avroType } from './avro-type.ts';
import { codec } from './codec.ts';
import { type SchemaName, schemas } from './schema-names.ts';
import { localRegistry, localSchemaId, type SchemaRegistry } from './schema-registry.ts';
import { jsonSerde, localSerdes, openSerdes, textSerde } from './serde.ts';
import { withDefaults } from './with-defaults.ts';
import { Writers } from './writers.ts';

const health = withDefaults('AgentHealth', {
  agent: 'enforcer',
  cluster: 'c1',
  node: 'n1',
  at: 1_764_000_000_000_000,
  version: '0.1.0',
  emitted: 10,
  delivered: 10,
});

const containerId = localSchemaId(schemas.Container.json);

/** A codec of Container with one more writer known. */
function containerCodec(writerSchema: object | string) {
  const writers = new Writers(localRegistry());
  writers.add(containerId, schemas.Container.json);
  const json = typeof writerSchema === 'string' ? writerSchema : JSON.stringify(writerSchema);
  writers.add(99, json);
  const write = (value: unknown) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), avroType(json).toBuffer(value)]);
  return { serde: codec({ record: 'Container', schemaId: containerId, writers }), write };
}

function containerWriter(...fields: object[]) {
  return { type: 'record', name: 'Container', namespace: 'sluice.v1', fields };
}

function failure(action: () => unknown): SluiceError {
  try {
    action();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('a record is magic 0, the schema id in big endian, and the Avro body', () => {
  const serdes = localSerdes();
  const bytes = serdes.of('agents.health.v1').serialize(health);
  expect(bytes[0]).toBe(0);
  expect(bytes.readInt32BE(1)).toBe(serdes.schemaId('agents.health.v1'));
  expect(bytes.subarray(5).equals(avroType(schemas.AgentHealth.json).toBuffer(health))).toBe(true);
  expect(serdes.of('agents.health.v1').deserialize(bytes)).toEqual(health);
});

test('a buffer given out stays as it was, however much is serialised after it', () => {
  const serde = localSerdes().of('agents.health.v1');
  const first = serde.serialize(health);
  const copy = Buffer.from(first);
  for (let i = 0; i < 100; i++) serde.serialize({ ...health, node: 'x'.repeat(i * 100) });
  expect(first.equals(copy)).toBe(true);
});

test('a record larger than any before is written whole', () => {
  const serde = localSerdes().of('agents.health.v1');
  for (const length of [1_000, 1_018, 1_019, 1_020, 5_000, 3_000_000]) {
    const large = { ...health, node: 'é'.repeat(length), counters: { a: 1 } };
    expect(serde.deserialize(serde.serialize(large))).toEqual(large);
  }
});

test('an invalid value is refused by the path of its field, and the next valid one is written as ever', () => {
  const serde = localSerdes().of('alerts.v1');
  const alert = withDefaults('Alert', {
    origin: { cluster: 'c', node: 'n', agent: 'enforcer', bootId: 'b', sequence: 1 },
    time: 1,
    container: withDefaults('Container', { id: 'x' }),
    verdict: 'DENY',
    rule: { policyId: 'p', ruleId: 'r', generation: 1 },
  });
  const good = serde.serialize(alert);
  const bad = (change: object) => failure(() => serde.serialize({ ...alert, ...change }));
  expect(bad({ rule: { ...alert.rule, generation: 1.5 } })).toMatchObject({
    code: 'VALUE_INVALID',
    message: expect.stringContaining('Alert.rule.generation: 1.5 is no long'),
  });
  expect(bad({ tags: ['a', 7] }).message).toContain('Alert.tags.1: 7 is no string');
  expect(bad({ verdict: 'MAYBE' }).message).toContain('Alert.verdict: "MAYBE" is no sluice.v1.Verdict');
  expect(bad({ origin: undefined }).message).toContain('Alert.origin: undefined');
  expect(bad({ time: -(2 ** 52) - 1 }).message).toContain('Alert.time');
  expect(bad({ time: Number.MAX_SAFE_INTEGER }).message).toContain('Alert.time');
  expect(serde.serialize(alert).equals(good)).toBe(true);
});

test('bytes that are no framed record are told apart: too short, wrong magic, more than one value', () => {
  const serde = localSerdes().of('agents.health.v1');
  const bytes = serde.serialize(health);
  expect(failure(() => serde.deserialize(Buffer.alloc(0))).code).toBe('RECORD_TRUNCATED');
  expect(failure(() => serde.deserialize(bytes.subarray(0, 4))).code).toBe('RECORD_TRUNCATED');
  expect(failure(() => serde.deserialize(Buffer.from('{"a":1}'))).code).toBe('RECORD_CORRUPT');
  expect(failure(() => serde.deserialize(Buffer.concat([bytes, bytes]))).code).toBe('RECORD_CORRUPT');
});

test('a count that the bytes cannot meet is refused at once, read or skipped, in arrays and in maps', () => {
  // 2^31 items: avsc alone would loop that often, holding every one of them.
  const huge = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10, 0x00]);
  const negative = Buffer.from([0x01, 0x01, 0x00]);
  const array = { name: 'extra', type: { type: 'array', items: 'string' } };
  const map = { name: 'extra', type: { type: 'map', values: 'string' } };
  for (const field of [array, map]) {
    const skipping = containerCodec(containerWriter(field, { name: 'id', type: 'string' })).serde;
    const reading = avroType(JSON.stringify({ type: 'record', name: 'R', fields: [field] }));
    for (const body of [huge, negative]) {
      const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), body]);
      expect(failure(() => skipping.deserialize(bytes)).code).toMatch(/^RECORD_/);
      expect(reading.decode(body, 0).offset).not.toBe(body.length);
    }
  }
});

test('a map entry named like the prototype is kept as an entry', () => {
  const serde = localSerdes().of('dead-letters.v1');
  const headers = Object.fromEntries([['__proto__', Buffer.of(1)]]);
  const read = serde.deserialize(
    serde.serialize(
      withDefaults('DeadLetter', {
        topic: 't',
        partition: 0,
        offset: 0,
        timestamp: 0,
        headers,
        application: 'a',
        stage: 'RECEIVING',
        code: 'BUG',
        message: '',
      }),
    ),
  );
  expect(Object.entries(read.headers)).toEqual([['__proto__', Buffer.of(1)]]);
  expect(Object.getPrototypeOf(read.headers)).toBe(Object.prototype);
});

test('records of an older writer are read with the defaults of the fields it did not know', () => {
  const { serde, write } = containerCodec(containerWriter({ name: 'id', type: 'string' }));
  expect(serde.deserialize(write({ id: 'abc' }))).toEqual(withDefaults('Container', { id: 'abc' }));
});

test('records of a newer writer are read without the fields this version does not know', () => {
  const fields = [
    { name: 'labels', type: { type: 'map', values: 'string' } },
    { name: 'pids', type: { type: 'array', items: 'long' } },
    { name: 'id', type: 'string' },
    { name: 'more', type: ['null', 'bytes'] },
  ];
  const { serde, write } = containerCodec(containerWriter(...fields));
  const bytes = write({ labels: { a: 'b' }, pids: [1, 2], id: 'abc', more: Buffer.of(9) });
  expect(serde.deserialize(bytes)).toEqual(withDefaults('Container', { id: 'abc' }));
});

test('a writer that lacks a field without default, is another type, or is no Avro is incompatible', () => {
  const bytes = Buffer.from([0, 0, 0, 0, 99, 2, 97]);
  const code = (schema: object | string) =>
    failure(() => containerCodec(schema).serde.deserialize(bytes)).code;
  expect(code(containerWriter({ name: 'name', type: 'string' }))).toBe('SCHEMA_INCOMPATIBLE');
  expect(code({ type: 'string' })).toBe('SCHEMA_INCOMPATIBLE');
  expect(code('syntax = "proto3";')).toBe('SCHEMA_INCOMPATIBLE');
  expect(code('{"type":"object"}')).toBe('SCHEMA_INCOMPATIBLE');
});

test('an unknown id is asked for once, again only after its time, and read once it is known', async () => {
  let nowMs = 0;
  let asked = 0;
  let known = false;
  const registry: SchemaRegistry = {
    register: async ({ schema }) => localSchemaId(schema),
    schemaById: async id => {
      asked++;
      if (!known) throw new SluiceError('SCHEMA_UNKNOWN', `no ${id}`);
      return schemas.AgentHealth.json;
    },
  };
  const serdes = await openSerdes({ registry, tenant: 'default', unknownForMs: 1_000, nowMs: () => nowMs });
  const serde = serdes.of('agents.health.v1');
  const bytes = serde.serialize(health);
  expect(serdes.prepareFor([bytes])).toBeUndefined();
  bytes.writeInt32BE(4_711, 1);

  await Promise.all([serdes.prepareFor([bytes, bytes]), serdes.prepareFor([bytes]), serdes.prepare([4_711])]);
  expect(asked).toBe(1);
  expect(failure(() => serde.deserialize(bytes))).toMatchObject({ code: 'SCHEMA_UNKNOWN', schemaId: 4_711 });
  nowMs = 999;
  expect(serdes.prepareFor([bytes])).toBeUndefined();
  known = true;
  nowMs = 1_000;
  await serdes.prepareFor([bytes]);
  expect(asked).toBe(2);
  expect(serde.deserialize(bytes)).toEqual(health);
});

test('a registry out of reach makes preparing fail, so that nothing is mistaken for a dead letter', async () => {
  const registry: SchemaRegistry = {
    ...localRegistry(),
    schemaById: async () => {
      throw new SluiceError('REGISTRY_UNREACHABLE', 'down');
    },
  };
  const serdes = await openSerdes({ registry, tenant: 'default' });
  const stranger = Buffer.from([0, 0, 0, 0, 1, 0]);
  await expect(serdes.prepareFor([stranger])).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  await expect(serdes.prepareFor([stranger])).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
});

test('serdes are only of the topics they were opened for', async () => {
  const serdes = await openSerdes({ registry: localRegistry(), tenant: 't', topics: ['alerts.v1'] });
  expect(serdes.of('alerts.v1')).toBe(serdes.of('alerts.v1'));
  expect(failure(() => serdes.of('entities.v1'))).toMatchObject({ code: 'BUG' });
});

test('local ids are the same everywhere, distinct, and fit the header', () => {
  const ids = (Object.keys(schemas) as SchemaName[]).map(name => localSchemaId(schemas[name].json));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(id => Number.isInteger(id) && id >= 0 && id < 2 ** 31)).toBe(true);
});

test('text passes as UTF-8', () => {
  expect(textSerde.deserialize(textSerde.serialize('c1/näme/x'))).toBe('c1/näme/x');
});

test('JSON passes, and what is none is corrupt', () => {
  const serde = jsonSerde<{ readonly name: string }>();
  expect(serde.deserialize(serde.serialize({ name: 'näme' }))).toEqual({ name: 'näme' });
  expect(failure(() => serde.deserialize(Buffer.from('{"name":')))).toMatchObject({ code: 'RECORD_CORRUPT' });
});
