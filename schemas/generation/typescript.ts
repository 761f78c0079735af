/** Writes the resolved Avro types as TypeScript. Same definitions, same bytes. */

import { createHash } from 'node:crypto';
import { SluiceError } from '#errors';
import {
  type AvroType,
  type Definition,
  type Definitions,
  type EnumDefinition,
  type Field,
  isDefinition,
  isUnion,
  type Json,
  namespace,
  type RecordDefinition,
  selfContained,
} from './definitions.ts';

const head = '// Made from schemas/avro by `make generate`. Edit the .avsc files, not this one.\n';

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
};

/** Every record as an interface, every enum as a union of its symbols, and the maps from name to type. */
export function typesModule(definitions: Definitions): string {
  const all = [...definitions.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const records = all.filter(definition => definition.type === 'record');
  return [
    head,
    'type Defaulted<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;\n',
    ...all.map(definition =>
      definition.type === 'enum' ? enumType(definition) : recordType(definition, definitions),
    ),
    '/** Record name → its type. */',
    `export interface Records {\n${records.map(({ name }) => `  ${name}: ${name};\n`).join('')}}\n`,
    '/** Record name → what must be given to make one: fields with a default may be left out. */',
    `export interface RecordInputs {\n${records.map(({ name }) => `  ${name}: ${name}Input;\n`).join('')}}\n`,
  ].join('\n');
}

/** A builder per record that fills defaults, with the fields in schema order (one hidden class per record). */
export function defaultsModule(definitions: Definitions): string {
  const records = [...definitions.byName.values()]
    .filter(definition => definition.type === 'record')
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const builder = (record: RecordDefinition) =>
    `  ${record.name}: (v: RecordInputs['${record.name}']): Records['${record.name}'] => ({\n` +
    `${record.fields.map(field => `    ${field.name}: ${given(field, definitions)},\n`).join('')}  }),\n`;
  return [
    head,
    "import type { RecordInputs, Records } from './types.ts';\n",
    `export const builders = {\n${records.map(builder).join('')}};\n`,
  ].join('\n');
}

/** The self-contained schema of each record that has a file, with the sha256 of its text. */
export function schemasModule(definitions: Definitions): string {
  const entries = definitions.roots.map(name => {
    const json = JSON.stringify(selfContained(name, definitions));
    if (/['\\]/.test(json)) {
      throw new SluiceError(
        'CONFIG_INVALID',
        `${name}.avsc: quotes and backslashes are not supported outside docs`,
      );
    }
    const fingerprint = createHash('sha256').update(json).digest('hex');
    return `  ${name}: {\n    json: '${json}',\n    fingerprint: '${fingerprint}',\n  },\n`;
  });
  return [head, `export const schemas = {\n${entries.join('')}} as const;\n`].join('\n');
}

function enumType(definition: EnumDefinition): string {
  const symbols = definition.symbols.map(symbol => `'${symbol}'`).join(' | ');
  return `${comment(definition.doc, '')}export type ${definition.name} = ${symbols};\n`;
}

function recordType(record: RecordDefinition, definitions: Definitions): string {
  const fields = record.fields.map(
    field => `${comment(field.doc, '  ')}  readonly ${field.name}: ${typeText(field.type, definitions)};\n`,
  );
  const optional = record.fields.filter(field => field.default !== undefined).map(field => `'${field.name}'`);
  const input = optional.length === 0 ? record.name : `Defaulted<${record.name}, ${optional.join(' | ')}>`;
  return (
    `${comment(record.doc, '')}export interface ${record.name} {\n${fields.join('')}}\n` +
    `export type ${record.name}Input = ${input};\n`
  );
}

function typeText(type: AvroType, definitions: Definitions): string {
  if (typeof type === 'string') return primitives[type] ?? known(type, definitions);
  if (isUnion(type)) return unionText(type, definitions);
  if (isDefinition(type)) return type.name;
  if ('items' in type) return `readonly ${bracketed(typeText(type.items, definitions))}[]`;
  if ('values' in type) return `Readonly<Record<string, ${typeText(type.values, definitions)}>>`;
  return primitives[(type as { type: string }).type]!;
}

/** Several records in one union are told apart by their full name, as the Avro JSON encoding does it. */
function unionText(branches: readonly AvroType[], definitions: Definitions): string {
  const records = branches.filter(branch => resolve(branch, definitions)?.type === 'record').length;
  const texts = branches.map(branch => {
    const text = typeText(branch, definitions);
    return records > 1 && text !== 'null' ? `{ readonly '${namespace}.${text}': ${text} }` : text;
  });
  return [...texts.filter(text => text !== 'null'), ...texts.filter(text => text === 'null')].join(' | ');
}

function given(field: Field, definitions: Definitions): string {
  if (field.default === undefined) return `v.${field.name}`;
  return `v.${field.name} ?? ${literal(field.default, field.type, definitions)}`;
}

/** A default as an expression that is new each time it is evaluated. Of a union, the default is of its first branch. */
function literal(value: Json, type: AvroType, definitions: Definitions): string {
  const branch = isUnion(type) ? type[0]! : type;
  if (branch === 'bytes') return `Buffer.from(${JSON.stringify(value)}, 'latin1')`;
  const record = resolve(branch, definitions);
  if (record?.type === 'record') return `builders.${record.name}(${JSON.stringify(value)})`;
  return typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : JSON.stringify(value);
}

function resolve(type: AvroType, { byName }: Definitions): Definition | undefined {
  if (typeof type === 'string') return byName.get(type);
  return isDefinition(type) ? type : undefined;
}

function known(name: string, { byName }: Definitions): string {
  if (!byName.has(name)) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `schemas/avro: no file defines the type ${name} that another one names`,
    );
  }
  return name;
}

function bracketed(text: string): string {
  return text.includes(' ') ? `(${text})` : text;
}

function comment(doc: string | undefined, indent: string): string {
  return doc === undefined ? '' : `${indent}/** ${doc.replaceAll('*/', '* /')} */\n`;
}
