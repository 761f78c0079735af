/** fast-check arbitraries made from the schemas, so that a new field is covered by the property tests at once. */

import { join } from 'node:path';
import fc from 'fast-check';
import type { Records } from './generated/types.ts';
import {
  type AvroType,
  isDefinition,
  isUnion,
  namespace,
  readDefinitions,
} from './generation/definitions.ts';
import type { SchemaName } from './schema-names.ts';

const definitions = readDefinitions(join(import.meta.dirname, 'avro'));

/** Any valid value of a record. */
export function anyRecord<N extends SchemaName>(name: N): fc.Arbitrary<Records[N]> {
  return anyOf(name) as fc.Arbitrary<Records[N]>;
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const largestLong = Number.MAX_SAFE_INTEGER - 1;

const primitives: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  null: fc.constant(null),
  boolean: fc.boolean(),
  int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  long: fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: -(2 ** 52), max: largestLong })),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0),
  string: fc.oneof(
    text,
    fc.constant('__proto__'),
    fc.string({ unit: 'binary', minLength: 60, maxLength: 80 }),
  ),
  bytes: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
};

function anyOf(type: AvroType): fc.Arbitrary<unknown> {
  if (isUnion(type)) return anyBranch(type);
  const definition = typeof type === 'string' ? definitions.byName.get(type) : type;
  if (definition === undefined) return primitives[type as string]!;
  if (!isDefinition(definition)) {
    if ('items' in definition) return fc.array(anyOf(definition.items), { maxLength: 3 });
    if ('values' in definition) return anyMap(definition.values);
    return primitives[definition.type as string]!;
  }
  if (definition.type === 'enum') return fc.constantFrom(...definition.symbols);
  return fc.record(Object.fromEntries(definition.fields.map(field => [field.name, anyOf(field.type)])));
}

function anyBranch(branches: readonly AvroType[]): fc.Arbitrary<unknown> {
  const nameOf = (branch: AvroType) =>
    typeof branch === 'string' ? branch : (branch as { name?: string }).name;
  const records = branches.filter(branch => definitions.byName.get(nameOf(branch) ?? '')?.type === 'record');
  return fc.oneof(
    ...branches.map(branch =>
      records.length > 1 && branch !== 'null'
        ? anyOf(branch).map(value => ({ [`${namespace}.${nameOf(branch)}`]: value }))
        : anyOf(branch),
    ),
  );
}

/** Own properties only, whatever the keys: `__proto__` too. */
function anyMap(values: AvroType): fc.Arbitrary<unknown> {
  return fc
    .array(fc.tuple(primitives.string as fc.Arbitrary<string>, anyOf(values)), { maxLength: 3 })
    .map(entries => Object.fromEntries(entries));
}
