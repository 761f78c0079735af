import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonFound, JsonObjects } from './json-objects.ts';

function read(text: string, cuts: readonly number[] = []): JsonFound[] {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const objects = new JsonObjects();
  let at = 0;
  const found = ends.flatMap(end => {
    const pushed = [...objects.push(bytes.subarray(at, end))];
    at = end;
    return pushed;
  });
  return [...found, ...objects.end()];
}

const objectsOf = (found: readonly JsonFound[]) =>
  found.flatMap(each => ('object' in each ? [each.object] : []));
const badOf = (found: readonly JsonFound[]) =>
  found.flatMap(each => ('bad' in each ? [each.place.line] : []));

const json = fc
  .dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 3 }))
  .map(object => JSON.parse(JSON.stringify(object)) as object);
const cuts = fc.array(fc.nat(5000), { maxLength: 12 });
const written = fc.constantFrom<(objects: readonly object[]) => string>(
  objects => objects.map(object => JSON.stringify(object)).join('\n'),
  objects => objects.map(object => `${JSON.stringify(object, null, 2)}\n`).join(''),
  objects => JSON.stringify(objects),
  objects => JSON.stringify(objects, null, '\t'),
  objects => `\uFEFF${objects.map(object => JSON.stringify(object)).join('\r\n')}\r\n`,
);

describe('JSON objects of a stream', () => {
  it('are the same in lines, over lines and in arrays, however the bytes are split', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 6 }), written, cuts, (objects, write, at) => {
        const found = read(write(objects), at);
        expect(objectsOf(found)).toEqual(objects);
        expect(badOf(found)).toEqual([]);
      }),
    );
  });

  it('give the same outcome for any bytes, however those are split', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      '\n',
      ' ',
      ',',
      ':',
      'a',
      '{"a":1}',
      '{"b":{',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), cuts, (pieces, at) => {
        expect(read(pieces.join(''), at)).toEqual(read(pieces.join('')));
      }),
      { numRuns: 500 },
    );
  });

  const damage = fc.oneof(
    fc.constantFrom(
      'not JSON',
      '}',
      '{"a":',
      '{"a":"',
      '{"a":[{"b":1}',
      '"{"',
      '{"a":1]}',
      '{]',
      'null',
      '{"a" 1}',
      '{{',
    ),
    // What a crash leaves behind: the start of a line.
    fc.tuple(json, fc.nat(200)).map(([object, length]) => {
      const text = JSON.stringify({ x: object });
      return text.slice(0, 1 + (length % (text.length - 1)));
    }),
  );

  it('lose nothing but the damaged line, wherever it stands, and say which it is', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 6 }), damage, fc.nat(6), cuts, (objects, bad, where, at) => {
        const lines = objects.map(object => JSON.stringify(object));
        const index = where % (lines.length + 1);
        const found = read(`${lines.toSpliced(index, 0, bad).join('\n')}\n`, at);
        expect(objectsOf(found)).toEqual(objects);
        expect(badOf(found)).toEqual([index + 1]);
      }),
      { numRuns: 500 },
    );
  });

  it('of an array over lines: an element that is damaged is lost, the others are not', () => {
    const text = '[\n  {\n    "a": 1\n  },\n  {\n    "b": "x\n  },\n  {\n    "c": [{"d": 1}]\n  }\n]\n';
    expect(objectsOf(read(text))).toContainEqual({ c: [{ d: 1 }] });
    expect(badOf(read(text))[0]).toBe(5);
  });

  it('know the line and the byte each began at', () => {
    const places = read('{"a":1}\n\n  {"b":\n2} {"c":3}').map(({ place }) => place);
    expect(places).toEqual([
      { line: 1, offsetBytes: 0 },
      { line: 3, offsetBytes: 11 },
      { line: 4, offsetBytes: 20 },
    ]);
  });
});
