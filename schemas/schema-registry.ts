/** The port to a schema registry, and the one that needs no network. */

import { createHash } from 'node:crypto';
import { SluiceError } from '#errors';
import { schemas } from './schema-names.ts';
import type { Compatibility } from './topics.ts';

export interface Registration {
  readonly subject: string;
  readonly schema: string;
  readonly compatibility: Compatibility;
}

export interface SchemaRegistry {
  /**
   * The id of a schema under a subject, registering it when it is new there. Idempotent.
   * Errors: REGISTRY_UNREACHABLE, REGISTRY_REFUSED when it is not compatible with what the subject holds.
   */
  register(registration: Registration): Promise<number>;
  /** The schema text of an id. Errors: SCHEMA_UNKNOWN when there is none of that id, REGISTRY_UNREACHABLE. */
  schemaById(id: number): Promise<string>;
}

/** The id a schema has where there is no registry: 31 bits of the hash of its text, the same on every machine. */
export function localSchemaId(schema: string): number {
  return createHash('sha256').update(schema).digest().readInt32BE(0) & 0x7fffffff;
}

/** A registry of the schemas this version knows and any further ones given, for files and tests. */
export function localRegistry(further: readonly string[] = []): SchemaRegistry {
  const known = new Map<number, string>();
  const add = (schema: string): number => {
    const id = localSchemaId(schema);
    const other = known.get(id);
    if (other !== undefined && other !== schema) {
      throw new SluiceError('BUG', `two schemas have the local id ${id}: reword either of them`);
    }
    known.set(id, schema);
    return id;
  };
  for (const { json } of Object.values(schemas)) add(json);
  for (const schema of further) add(schema);
  return {
    register: async ({ schema }) => add(schema),
    schemaById: async id => {
      const schema = known.get(id);
      if (schema === undefined) throw new SluiceError('SCHEMA_UNKNOWN', `no local schema has the id ${id}`);
      return schema;
    },
  };
}
