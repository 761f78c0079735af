import { describe, expect, test } from 'vitest';
import { avroType } from './avro-type.ts';
import { breakages } from './compatibility.ts';
import type { Fill } from './generation/sample.ts';
import { type GoldenFile, plain, readGolden, revived } from './golden-files.ts';
import { type SchemaName, schemas } from './schema-names.ts';
import { type Compatibility, recordTopicNames, topics } from './topics.ts';

const names = Object.keys(schemas) as SchemaName[];
const golden = readGolden();
const fills: readonly Fill[] = ['bare', 'full'];

/** The strictest mode of the topics a record is in. What is only in files or inside records is read, not written back. */
function modeOf(record: SchemaName): Compatibility {
  const modes = recordTopicNames
    .filter(name => topics[name].record === record)
    .map(name => topics[name].compatibility);
  return modes.includes('FULL_TRANSITIVE') ? 'FULL_TRANSITIVE' : 'BACKWARD_TRANSITIVE';
}

/** True when they hold the same wherever both hold something: fields come and go between versions. */
function agree(a: unknown, b: unknown): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return Object.keys(left).every(key => !Object.hasOwn(right, key) || agree(left[key], right[key]));
}

function versionsOf(record: SchemaName): readonly GoldenFile[] {
  return golden.filter(file => file.record === record);
}

describe.each(names)('%s', record => {
  const type = avroType(schemas[record].json);

  test('the current schema has golden bytes (else: make golden)', () => {
    expect(versionsOf(record).at(-1)?.schema).toBe(schemas[record].json);
  });

  test('the current version still writes its golden bytes', () => {
    for (const fill of fills) {
      const { hex, value } = versionsOf(record).at(-1)!.cases[fill];
      expect(type.toBuffer(revived(value)).toString('hex')).toBe(hex);
    }
  });

  test('bytes of every version there ever was are read, as what they were written from', () => {
    for (const file of versionsOf(record)) {
      const writer = avroType(file.schema);
      for (const fill of fills) {
        const { hex, value } = file.cases[fill];
        const bytes = Buffer.from(hex, 'hex');
        expect(plain(writer.fromBuffer(bytes))).toEqual(value);
        const read = plain(type.fromBuffer(bytes, type.createResolver(writer)));
        expect(agree(read, value)).toBe(true);
        expect(agree(value, read)).toBe(true);
      }
    }
  });

  test('the current schema breaks no version by the mode of its topics', () => {
    const earlier = Object.fromEntries(versionsOf(record).map(file => [`v${file.version}`, file.schema]));
    expect(Object.keys(earlier).length).toBeGreaterThan(0);
    expect(breakages({ record, current: schemas[record].json, earlier, mode: modeOf(record) })).toEqual([]);
  });
});

test('every golden file is of a record that exists', () => {
  expect(golden.filter(file => !names.includes(file.record))).toEqual([]);
});

test('the full case of a record leaves no field empty, the bare one has the defaults', () => {
  const empty = (value: unknown): boolean =>
    value === null ||
    value === '' ||
    value === 0 ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  const anyEmpty = (value: unknown): boolean =>
    empty(value) || (typeof value === 'object' && Object.values(value as object).some(anyEmpty));
  expect(golden.filter(file => anyEmpty(file.cases.full.value)).map(file => file.record)).toEqual([]);
  expect(versionsOf('Alert')[0]!.cases.bare.value).toMatchObject({ process: null, severity: 1, tags: [] });
});

describe('a breaking change is found', () => {
  const base = schemas.Container.json;
  const changed = (change: (fields: { name: string; default?: unknown; type?: unknown }[]) => unknown) => {
    const schema = JSON.parse(base);
    change(schema.fields);
    return JSON.stringify(schema);
  };
  const found = (current: string, mode: Compatibility) =>
    breakages({ record: 'Container', current, earlier: { v1: base }, mode });

  test('a new field without a default cannot be read from old records', () => {
    const current = changed(fields => fields.push({ name: 'pid', type: 'int' }));
    expect(found(current, 'BACKWARD_TRANSITIVE')).toEqual([
      expect.stringContaining('current cannot read v1'),
    ]);
  });

  test('a changed type cannot be read either way', () => {
    const current = changed(fields => Object.assign(fields[0]!, { type: 'long' }));
    expect(found(current, 'FULL_TRANSITIVE').length).toBe(2);
  });

  test('a dropped field is missed by old readers only when it had no default', () => {
    const withoutId = changed(fields => fields.splice(0, 1));
    expect(found(withoutId, 'BACKWARD_TRANSITIVE')).toEqual([]);
    expect(found(withoutId, 'FULL_TRANSITIVE')).toEqual([expect.stringContaining('v1 cannot read current')]);
    const withoutName = changed(fields => fields.splice(1, 1));
    expect(found(withoutName, 'FULL_TRANSITIVE')).toEqual([]);
  });

  test('a new field with a default breaks nothing', () => {
    const current = changed(fields => fields.push({ name: 'runtime', type: 'string', default: '' }));
    expect(found(current, 'FULL_TRANSITIVE')).toEqual([]);
  });

  test('a symbol added to an enum without default is lost on old readers', () => {
    const of = (symbols: string[]) => JSON.stringify({ type: 'enum', name: 'E', symbols });
    const change = { record: 'E', current: of(['A', 'B']), earlier: { v1: of(['A']) } };
    expect(breakages({ ...change, mode: 'BACKWARD_TRANSITIVE' })).toEqual([]);
    expect(breakages({ ...change, mode: 'FULL_TRANSITIVE' })).toEqual([expect.stringContaining('v1 cannot')]);
  });
});
