/** Golden bytes of every record type at every version it ever had: schemas/golden/<Record>.v<n>.json. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { avroType } from './avro-type.ts';
import { readDefinitions } from './generation/definitions.ts';
import { type Fill, sample } from './generation/sample.ts';
import { type SchemaName, schemas } from './schema-names.ts';

const folder = join(import.meta.dirname, 'golden');

export interface GoldenFile {
  readonly record: SchemaName;
  readonly version: number;
  /** The schema the bytes were written in, as text. */
  readonly schema: string;
  /** Avro bodies in hex, without the frame's header: ids differ between registries. */
  readonly cases: Readonly<Record<Fill, { readonly hex: string; readonly value: unknown }>>;
}

/** A value as the files hold it: bytes as text, hex after a prefix. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, held) => (held?.type === 'Buffer' ? textOf(held.data) : held)));
}

/** The value that `plain` was given. */
export function revived(value: unknown): unknown {
  const isBytes = (held: unknown) => typeof held === 'string' && held.startsWith(prefix);
  return JSON.parse(JSON.stringify(value), (_, held) =>
    isBytes(held) ? Buffer.from(held.slice(prefix.length), 'hex') : held,
  );
}

const prefix = 'hex:';

function textOf(data: readonly number[]): string {
  return prefix + Buffer.from(data).toString('hex');
}

/** Every golden file, oldest version of a record first. */
export function readGolden(): readonly GoldenFile[] {
  return readdirSync(folder)
    .flatMap(name => {
      const [, record, version] = /^(\w+)\.v(\d+)\.json$/.exec(name) ?? [];
      if (record === undefined) return [];
      const held = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return [
        { ...held, record, version: Number(version), schema: JSON.stringify(held.schema) } as GoldenFile,
      ];
    })
    .sort((a, b) => (a.record === b.record ? a.version - b.version : a.record < b.record ? -1 : 1));
}

/** Writes a file for each record whose schema has none yet, and leaves every other as it is. Gives the new names. */
export function addGolden(): readonly string[] {
  const existing = readGolden();
  const definitions = readDefinitions(join(import.meta.dirname, 'avro'));
  const added: string[] = [];
  for (const record of Object.keys(schemas) as SchemaName[]) {
    const versions = existing.filter(file => file.record === record);
    if (versions.at(-1)?.schema === schemas[record].json) continue;
    const name = `${record}.v${(versions.at(-1)?.version ?? 0) + 1}.json`;
    const type = avroType(schemas[record].json);
    const written = (fill: Fill) => {
      const value = sample(record, fill, definitions);
      return { hex: type.toBuffer(value).toString('hex'), value: plain(value) };
    };
    const file = {
      schema: JSON.parse(schemas[record].json),
      cases: { bare: written('bare'), full: written('full') },
    };
    writeFileSync(join(folder, name), `${JSON.stringify(file, null, 1)}\n`);
    added.push(name);
  }
  return added;
}
