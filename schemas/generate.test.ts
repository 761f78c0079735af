import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDefinitions, selfContained } from './generation/definitions.ts';
import { defaultsModule, schemasModule, typesModule } from './generation/typescript.ts';
import { schemas } from './schema-names.ts';
import { withDefaults } from './with-defaults.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-avsc-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function define(...types: { name: string; [key: string]: unknown }[]) {
  for (const type of types) {
    writeFileSync(join(folder, `${type.name}.avsc`), JSON.stringify({ namespace: 'sluice.v1', ...type }));
  }
  return readDefinitions(folder);
}

test('the committed files are what the generator makes of the schemas', () => {
  execFileSync(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--check']);
});

test('every generated type is on the public face', () => {
  const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8');
  const generated = [...read('generated/types.ts').matchAll(/^export (?:type|interface) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const face = new Set(read('index.ts').match(/\w+/g));
  expect(generated.length).toBeGreaterThan(80);
  expect(generated.filter(name => !face.has(name!))).toEqual([]);
});

test('every schema stands alone and keeps its defaults', () => {
  for (const [name, { json }] of Object.entries(schemas)) {
    const type = avro.Type.forSchema(JSON.parse(json));
    expect(type.name).toBe(`sluice.v1.${name}`);
  }
  expect(schemas.Container.json).toContain('{"name":"workload","type":"string","default":""}');
  expect(schemas.FileEvent.json).toContain('"type":{"type":"long","logicalType":"timestamp-micros"}');
  expect(schemas.FileEvent.json).not.toContain('"doc"');
});

test('a type is written out at its first mention and named afterwards', () => {
  const definitions = define(
    { type: 'enum', name: 'Side', symbols: ['A', 'B'], default: 'A' },
    {
      type: 'record',
      name: 'Pair',
      fields: [
        { name: 'left', type: 'Side' },
        { name: 'right', type: ['null', 'Side'], default: null },
      ],
    },
  );
  expect(selfContained('Pair', definitions)).toEqual({
    type: 'record',
    name: 'Pair',
    namespace: 'sluice.v1',
    fields: [
      { name: 'left', type: { type: 'enum', name: 'Side', symbols: ['A', 'B'], default: 'A' } },
      { name: 'right', type: ['null', 'Side'], default: null },
    ],
  });
  expect(definitions.roots).toEqual(['Pair']);
  expect(schemasModule(definitions)).toBe(schemasModule(define()));
});

test('types carry docs, enums, nullability, maps and unions of records', () => {
  const definitions = define(
    { type: 'record', name: 'One', doc: 'First.', fields: [{ name: 'a', type: 'bytes', doc: 'Raw.' }] },
    {
      type: 'record',
      name: 'Two',
      fields: [{ name: 'b', type: { type: 'map', values: 'long' }, default: {} }],
    },
    {
      type: 'record',
      name: 'Three',
      fields: [
        { name: 'either', type: ['null', 'One', 'Two'] },
        { name: 'maybe', type: ['null', 'One'], default: null },
        { name: 'several', type: { type: 'array', items: ['null', 'string'] }, default: [] },
      ],
    },
  );
  const types = typesModule(definitions);
  expect(types).toContain('/** First. */\nexport interface One {\n  /** Raw. */\n  readonly a: Buffer;\n}');
  expect(types).toContain('readonly b: Readonly<Record<string, number>>;');
  expect(types).toContain(
    "readonly either: { readonly 'sluice.v1.One': One } | { readonly 'sluice.v1.Two': Two } | null;",
  );
  expect(types).toContain('readonly maybe: One | null;');
  expect(types).toContain('readonly several: readonly (string | null)[];');
  expect(types).toContain("export type ThreeInput = Defaulted<Three, 'maybe' | 'several'>;");
  expect(defaultsModule(definitions)).toContain(
    '    either: v.either,\n    maybe: v.maybe ?? null,\n    several: v.several ?? [],',
  );
});

test('a file whose name is not its type, a type defined twice, and an unknown type are refused by name', () => {
  writeFileSync(
    join(folder, 'Wrong.avsc'),
    JSON.stringify({ type: 'record', name: 'Right', namespace: 'sluice.v1', fields: [] }),
  );
  expect(() => readDefinitions(folder)).toThrow(/Wrong\.avsc: the type must be named Wrong/);
  rmSync(join(folder, 'Wrong.avsc'));
  const inline = { type: 'enum', name: 'Twice', symbols: ['A'] };
  const holder = (name: string) => ({ type: 'record', name, fields: [{ name: 'f', type: inline }] });
  expect(() => define(holder('Holder1'), holder('Holder2'))).toThrow(/Twice is already defined/);
  rmSync(join(folder, 'Holder2.avsc'));
  const definitions = define({ type: 'record', name: 'Holder1', fields: [{ name: 'f', type: 'Nowhere' }] });
  expect(() => typesModule(definitions)).toThrow(/Nowhere/);
});

test('defaults are filled, given values win, and no two records share a default', () => {
  const first = withDefaults('AgentHealth', {
    agent: 'a',
    cluster: 'c',
    node: 'n',
    at: 1,
    version: 'v',
    emitted: 2,
    delivered: 2,
  });
  expect(first).toMatchObject({ bootId: '', spooled: 0, dropped: {}, counters: {} });
  const second = withDefaults('AgentHealth', { ...first, bootId: undefined, spooled: 3 });
  expect(second).toMatchObject({ bootId: '', spooled: 3 });
  expect(withDefaults('Process', { pid: 1, executable: '/x' })).not.toBe(
    withDefaults('Process', { pid: 1, executable: '/x' }),
  );
  expect(withDefaults('Endpoint', {}).labels).not.toBe(withDefaults('Endpoint', {}).labels);
  expect(Object.keys(withDefaults('Container', { name: 'x', id: 'y' }))[0]).toBe('id');
});
