import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SluiceError } from '#errors';
import { codec, headerBytes } from './codec.ts';
import { anyRecord } from './record-arbitrary.ts';
import { type SchemaName, schemas } from './schema-names.ts';
import { localRegistry, localSchemaId } from './schema-registry.ts';
import { Writers } from './writers.ts';

const names = Object.keys(schemas) as SchemaName[];

function codecOf(record: SchemaName) {
  const schemaId = localSchemaId(schemas[record].json);
  const writers = new Writers(localRegistry());
  writers.add(schemaId, schemas[record].json);
  return codec({ record, schemaId, writers });
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return error instanceof SluiceError ? error.code : `foreign: ${error}`;
  }
}

describe.each(names)('%s', name => {
  const serde = codecOf(name);

  test('what was written is read again, equal to the last byte', () => {
    fc.assert(
      fc.property(anyRecord(name), value => {
        const bytes = serde.serialize(value);
        const read = serde.deserialize(bytes);
        expect(JSON.stringify(read)).toBe(JSON.stringify(value));
        expect(serde.serialize(read).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('every beginning of a record is truncated, and a record with more after it is corrupt', () => {
    fc.assert(
      fc.property(anyRecord(name), value => {
        const bytes = serde.serialize(value);
        const step = Math.max(1, Math.floor(bytes.length / 60));
        for (let end = 0; end < bytes.length; end += step) {
          expect(codeOf(() => serde.deserialize(bytes.subarray(0, end)))).toBe('RECORD_TRUNCATED');
        }
        expect(codeOf(() => serde.deserialize(Buffer.concat([bytes, Buffer.of(0)])))).toBe('RECORD_CORRUPT');
      }),
      { numRuns: 10 },
    );
  });

  test('flipped and random bytes either read as some value or are refused by code, soon', () => {
    const refusals = new Set(['none', 'RECORD_TRUNCATED', 'RECORD_CORRUPT']);
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyRecord(name), flips, fc.uint8Array({ maxLength: 60 }), (value, changes, noise) => {
        const bytes = serde.serialize(value);
        const header = Buffer.from(bytes.subarray(0, headerBytes));
        for (const [at, byte] of changes) {
          if (bytes.length > headerBytes) bytes[headerBytes + (at % (bytes.length - headerBytes))] = byte;
        }
        expect(refusals).toContain(codeOf(() => serde.deserialize(bytes)));
        expect(refusals).toContain(codeOf(() => serde.deserialize(Buffer.concat([header, noise]))));
      }),
      { numRuns: 100, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: true },
    );
  });
});
