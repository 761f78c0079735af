/** A reader of inputs that are Avro object containers. The line of a place is the record's number in the file. */

import type { avroType } from '../avro-type.ts';
import { type AvroBlock, AvroContainer, type AvroFound } from './avro-container.ts';
import type { Place } from './json-objects.ts';
import type { FormatReader, Outcome } from './outcome.ts';

type AvroType = ReturnType<typeof avroType>;

export interface AvroFormat {
  /** How records of this schema are decoded. Errors: SCHEMA_INCOMPATIBLE. */
  open(schema: string): {
    readonly type: AvroType;
    readonly resolver?: ReturnType<AvroType['createResolver']>;
  };
  read(record: unknown, place: Place): Outcome;
}

export function avroReader(input: string, format: AvroFormat): FormatReader {
  const container = new AvroContainer(input);
  let opened: ReturnType<AvroFormat['open']>;
  let read = 0;
  function* outcomes(found: AvroFound): Generator<Outcome> {
    if ('header' in found) opened = format.open(found.header.schema);
    else if ('bad' in found)
      yield { place: { line: read + 1, offsetBytes: found.offsetBytes }, bad: found.bad };
    else {
      const place = { line: read + 1, offsetBytes: found.offsetBytes };
      const records = decoded(found, opened);
      if (typeof records === 'string') yield { place, bad: records };
      else for (const record of records) yield format.read(record, { ...place, line: ++read });
    }
  }
  return {
    *push(chunk) {
      for (const found of container.push(chunk)) yield* outcomes(found);
    },
    *end() {
      for (const found of container.end()) yield* outcomes(found);
    },
  };
}

/** The records of a block, all or none: there is no checksum, so nothing of a damaged one is trusted. */
function decoded(
  { body, block, count }: AvroBlock,
  { type, resolver }: ReturnType<AvroFormat['open']>,
): unknown[] | string {
  const records: unknown[] = [];
  let at = 0;
  try {
    for (let i = 0; i < count; i++) {
      const { value, offset } = type.decode(body, at, resolver);
      if (offset < 0) return `block ${block} ends after ${i} of its ${count} records`;
      records.push(value);
      at = offset;
    }
  } catch (error) {
    return `block ${block} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  return at === body.length ? records : `block ${block} has ${body.length - at} bytes after its last record`;
}
