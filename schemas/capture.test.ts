import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import avro from 'avsc';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SluiceError } from '#errors';
import { readCapture, writeCapture } from './capture.ts';
import { capturedTopics, isCapturedTopic, unwrapCaptured, wrapCaptured } from './captured-value.ts';
import type { CapturedRecord } from './generated/types.ts';
import { anyRecord } from './record-arbitrary.ts';
import { schemas } from './schema-names.ts';
import { withDefaults } from './with-defaults.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-capture-'));
  path = join(folder, 'some.avro');
});
afterEach(() => rmSync(folder, { recursive: true }));

function fileEvent(offset: number): CapturedRecord {
  const value = withDefaults('FileEvent', {
    origin: { cluster: 'c1', node: 'n1', agent: 'enforcer', bootId: 'b', sequence: offset },
    time: 1_764_000_000_000_000 + offset,
    container: withDefaults('Container', { id: 'abc', workload: 'nginx' }),
    file: withDefaults('FileAccess', {
      operation: 'OPEN',
      path: `/usr/share/nginx/${offset * 7919}`,
      read: true,
    }),
  });
  return withDefaults('CapturedRecord', {
    topic: 'events.file.v1',
    partition: 0,
    offset,
    timestamp: 1_764_000_000_000 + offset,
    key: 'c1/default/nginx',
    value: wrapCaptured('events.file.v1', value),
  });
}

const many = Array.from({ length: 3_000 }, (_, offset) => fileEvent(offset));

function write(records: readonly CapturedRecord[], to = path): void {
  const capture = writeCapture(to);
  for (const record of records) capture.append(record);
  capture.close();
}

/** A file as avsc's own writer makes it. */
async function writeAsOthers(schema: object, values: readonly object[], codec = 'deflate'): Promise<void> {
  const encoder = new avro.streams.BlockEncoder(schema as never, { codec });
  const written = pipeline(encoder, createWriteStream(path));
  for (const value of values) encoder.write(value);
  encoder.end();
  await written;
}

/** What is delivered, and the error that ended it. */
async function read(from = path): Promise<{ records: CapturedRecord[]; error?: SluiceError }> {
  const records: CapturedRecord[] = [];
  try {
    for await (const record of readCapture(from)) records.push(record);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { records, error };
  }
  return { records };
}

test('what is appended is read again, in order, over many blocks', async () => {
  write(many);
  expect((await read()).records).toEqual(many);
});

test('any records at all are read again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecord('CapturedRecord'), { maxLength: 5 }), async records => {
      write(records);
      const again = await read();
      expect(again.error).toBeUndefined();
      expect(JSON.stringify(again.records)).toBe(JSON.stringify(records));
    }),
    { numRuns: 40 },
  );
});

test('same records, same bytes', () => {
  write(many.slice(0, 500));
  write(many.slice(0, 500), `${path}2`);
  expect(readFileSync(path).equals(readFileSync(`${path}2`))).toBe(true);
});

test('other Avro tools read our files, and we read theirs, compressed or not', async () => {
  const few = many.slice(0, 20);
  write(few);
  const theirs: unknown[] = [];
  await new Promise((resolve, reject) => {
    avro
      .createFileDecoder(path)
      .on('data', value => theirs.push(value))
      .on('end', resolve)
      .on('error', reject);
  });
  expect(JSON.stringify(theirs)).toBe(JSON.stringify(few));

  for (const codec of ['null', 'deflate']) {
    await writeAsOthers(JSON.parse(schemas.CapturedRecord.json), few, codec);
    expect((await read()).records).toEqual(few);
  }
});

test('a file cut off anywhere delivers its whole blocks and then says which block is missing', async () => {
  write(many);
  const whole = readFileSync(path);
  const sync = whole.subarray(-16);
  const ends: number[] = [];
  for (let at = whole.indexOf(sync); at >= 0; at = whole.indexOf(sync, at + 16)) ends.push(at + 16);
  expect(ends.length).toBeGreaterThan(4);
  const cuts = [ends[0]! + 1, ends[1]! - 1, ends[1]! + 1, ends[2]! - 17, ends[3]! + 40, whole.length - 1];
  for (const cut of cuts) {
    writeFileSync(path, whole.subarray(0, cut));
    const { records, error } = await read();
    const wholeBlocks = ends.filter(end => end <= cut).length - 1;
    expect(error).toMatchObject({ code: 'RECORD_CORRUPT' });
    expect(error?.message).toContain(`${path}: block ${wholeBlocks + 1} `);
    expect(records).toEqual(many.slice(0, records.length));
    expect(records.length > 0).toBe(wholeBlocks > 0);
  }
  for (const end of ends) {
    writeFileSync(path, whole.subarray(0, end));
    expect((await read()).error).toBeUndefined();
  }
});

test('a damaged block delivers none of its records, those before it are delivered', async () => {
  write(many);
  const whole = readFileSync(path);
  const sync = whole.subarray(-16);
  const firstEnd = whole.indexOf(sync, whole.indexOf(sync) + 16) + 16;
  const intact = (await read()).records;
  for (const [at, byte] of [
    [firstEnd + 500, 0xff],
    [firstEnd, 0xff],
    [firstEnd + 2, 0x7f],
    [whole.indexOf(sync, firstEnd) + 3, 0],
  ] as const) {
    const damaged = Buffer.from(whole);
    damaged.fill(byte, at, at + 3);
    writeFileSync(path, damaged);
    const { records, error } = await read();
    expect(error).toMatchObject({ code: 'RECORD_CORRUPT', message: expect.stringContaining('block 2 ') });
    expect(records.length).toBeGreaterThan(100);
    expect(records).toEqual(intact.slice(0, records.length));
  }
});

test('any flipped byte ends in an error of the catalogue or in records, never in a hang or a foreign error', async () => {
  write(many.slice(0, 40));
  const whole = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), async (at, byte) => {
      const damaged = Buffer.from(whole);
      damaged[at] = byte;
      writeFileSync(path, damaged);
      const { error } = await read();
      expect([undefined, 'RECORD_CORRUPT', 'INPUT_INVALID', 'SCHEMA_INCOMPATIBLE']).toContain(error?.code);
    }),
    { numRuns: 300 },
  );
});

/** A version before there were keys, whose values were of the given type. */
function olderSchema(value: unknown): object {
  const schema = JSON.parse(schemas.CapturedRecord.json);
  const fields = schema.fields.filter((field: { name: string }) => !['key', 'value'].includes(field.name));
  return { ...schema, fields: [...fields, { name: 'value', type: value }] };
}

test('a capture of an older version is read with the defaults of what it did not know', async () => {
  const { key: _, ...record } = fileEvent(1);
  await writeAsOthers(olderSchema('null'), [{ ...record, value: null }]);
  expect(await read()).toEqual({ records: [{ ...record, key: null, value: null }] });
});

test('a capture whose values cannot be read as this version knows them is refused before any record', async () => {
  const alert = { type: 'record', name: 'Alert', fields: [] };
  await writeAsOthers(olderSchema(['null', alert]), [{ ...fileEvent(1), value: null }]);
  const { error, records } = await read();
  expect(error).toMatchObject({ code: 'SCHEMA_INCOMPATIBLE', message: expect.stringContaining(path) });
  expect(records).toEqual([]);
});

test('what is no capture is refused by name', async () => {
  expect((await read(join(folder, 'absent'))).error).toMatchObject({ code: 'INPUT_INVALID' });
  expect((await read(folder)).error).toMatchObject({ code: 'INPUT_INVALID' });
  for (const bytes of ['', 'Obj', 'Obj\x01', '{"json":true}\n'.repeat(10_000)]) {
    writeFileSync(path, bytes);
    expect((await read()).error).toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(path),
    });
  }
});

test('an invalid record is refused by its field and the capture goes on', async () => {
  const capture = writeCapture(path);
  capture.append(fileEvent(1));
  expect(() => capture.append({ ...fileEvent(2), partition: 1.5 })).toThrow(/CapturedRecord\.partition/);
  capture.append(fileEvent(3));
  capture.close();
  capture.close();
  expect((await read()).records).toEqual([fileEvent(1), fileEvent(3)]);
});

test('a captured value is typed by its topic, and another topic is refused', () => {
  const record = fileEvent(5);
  expect(unwrapCaptured('events.file.v1', record)?.origin.sequence).toBe(5);
  expect(unwrapCaptured('events.file.v1', { ...record, value: null })).toBeNull();
  expect(() => unwrapCaptured('alerts.v1', record)).toThrow(
    /events\.file\.v1\/0@5 holds a sluice\.v1\.FileEvent/,
  );
  expect(capturedTopics.every(isCapturedTopic)).toBe(true);
  expect(isCapturedTopic('policies.v1')).toBe(false);
});
