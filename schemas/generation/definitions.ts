/**
 * Reads schemas/avro and resolves names.
 *
 * Owns: which file defines which type, and the self-contained form of a record.
 * Does not own: what is made of it (typescript.ts), how it is used (../serde.ts).
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '#errors';

export const namespace = 'sluice.v1';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Field {
  readonly name: string;
  readonly type: AvroType;
  readonly doc?: string;
  readonly aliases?: readonly string[];
  /** Absent when the field has none; `null` is a default. */
  readonly default?: Json;
}

export interface RecordDefinition {
  readonly type: 'record';
  readonly name: string;
  readonly doc?: string;
  readonly fields: readonly Field[];
}

export interface EnumDefinition {
  readonly type: 'enum';
  readonly name: string;
  readonly doc?: string;
  readonly symbols: readonly string[];
  readonly default?: string;
}

export type Definition = RecordDefinition | EnumDefinition;

export type AvroType =
  | string
  | readonly AvroType[]
  | { readonly type: 'array'; readonly items: AvroType }
  | { readonly type: 'map'; readonly values: AvroType }
  | { readonly type: 'long' | 'int' | 'string' | 'bytes'; readonly logicalType?: string }
  | Definition;

export interface Definitions {
  /** Every named type, in the order of the files and, within one, of first mention. */
  readonly byName: ReadonlyMap<string, Definition>;
  /** Records that have a file of their own: the ones with a schema and a codec. */
  readonly roots: readonly string[];
}

export function isUnion(type: AvroType): type is readonly AvroType[] {
  return Array.isArray(type);
}

export function isDefinition(type: AvroType): type is Definition {
  return typeof type === 'object' && !isUnion(type) && (type.type === 'record' || type.type === 'enum');
}

/** Reads every .avsc of a folder. Errors: CONFIG_INVALID names the file and what to mend in it. */
export function readDefinitions(folder: string): Definitions {
  const byName = new Map<string, Definition>();
  const roots: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.avsc')) continue;
    const path = join(folder, file);
    const definition = JSON.parse(readFileSync(path, 'utf8')) as Definition & { namespace?: string };
    if (`${definition.name}.avsc` !== file || definition.namespace !== namespace) {
      throw new SluiceError(
        'CONFIG_INVALID',
        `${path}: the type must be named ${file.slice(0, -5)} in namespace ${namespace}`,
      );
    }
    collect(definition, path, byName);
    if (definition.type === 'record') roots.push(definition.name);
  }
  return { byName, roots };
}

function collect(type: AvroType, path: string, byName: Map<string, Definition>): void {
  if (typeof type === 'string') return;
  if (isUnion(type)) {
    for (const branch of type) collect(branch, path, byName);
    return;
  }
  if (isDefinition(type)) {
    if (byName.has(type.name)) {
      throw new SluiceError(
        'CONFIG_INVALID',
        `${path}: ${type.name} is already defined; give it another name`,
      );
    }
    byName.set(type.name, type);
    if (type.type === 'record') for (const field of type.fields) collect(field.type, path, byName);
    return;
  }
  if ('items' in type) collect(type.items, path, byName);
  if ('values' in type) collect(type.values, path, byName);
}

/**
 * One record as a schema that refers to nothing outside itself: a named type is written out where it is first
 * needed and named afterwards. Docs are left out, so that rewording one registers no new version.
 */
export function selfContained(name: string, { byName }: Definitions): Json {
  const written = new Set<string>();

  const write = (type: AvroType): Json => {
    if (typeof type === 'string') {
      const definition = byName.get(type);
      return definition === undefined || written.has(type) ? type : define(definition);
    }
    if (isUnion(type)) return type.map(write);
    if (isDefinition(type)) return written.has(type.name) ? type.name : define(type);
    if ('items' in type) return { type: 'array', items: write(type.items) };
    if ('values' in type) return { type: 'map', values: write(type.values) };
    return type as Json;
  };

  const define = (definition: Definition): Json => {
    const head = { type: definition.type, name: definition.name, ...(written.size === 0 && { namespace }) };
    written.add(definition.name);
    if (definition.type === 'enum') {
      return {
        ...head,
        symbols: definition.symbols,
        ...(definition.default !== undefined && { default: definition.default }),
      };
    }
    const fields = definition.fields.map(field => ({
      name: field.name,
      ...(field.aliases !== undefined && { aliases: field.aliases }),
      type: write(field.type),
      ...(field.default !== undefined && { default: field.default }),
    }));
    return { ...head, fields };
  };

  return define(byName.get(name)!);
}
