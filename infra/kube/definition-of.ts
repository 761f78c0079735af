/** A resource definition that says what one of our own schemas says, as far as a definition can. */

import { z } from 'zod';
import type { KubeObject } from './kube-client.ts';

export interface DefinedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
}

type Json = Readonly<Record<string, unknown>>;

/** Fields, types, patterns, limits and what is required; conditions between fields cannot be said. */
export function definitionOf(schema: z.ZodType, { group, version, kind, scope }: DefinedKind): KubeObject {
  const lower = kind.toLowerCase();
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
  const { properties } = structural(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json);
  const openAPIV3Schema = {
    type: 'object',
    required: ['spec'],
    // The server has its own for metadata.
    properties: { ...(properties as object), metadata: { type: 'object' } },
  };
  const versions = [{ name: version, served: true, storage: true, schema: { openAPIV3Schema } }];
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.${group}` },
    ...{
      spec: { group, scope, versions, names: { kind, plural, singular: lower, listKind: `${kind}List` } },
    },
  };
}

const kept = [
  'type',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
];

/** What definitions call structural: every field has one type; alternatives only narrow it. */
function structural(schema: Json): Json {
  const said = Object.fromEntries(kept.filter(key => key in schema).map(key => [key, schema[key]]));
  if (typeof schema.const === 'string') return { type: 'string', enum: [schema.const] };
  const { anyOf, properties, additionalProperties, items, required } = schema;
  if (Array.isArray(anyOf)) {
    const [first, ...others] = anyOf.map(each => structural(each as Json));
    const narrowings = [first, ...others].map(({ type: _, ...narrowing }: Json = {}) => narrowing);
    return { type: first?.type, anyOf: narrowings };
  }
  const isMap = typeof additionalProperties === 'object' && properties === undefined;
  return {
    ...said,
    ...(Array.isArray(required) && required.length > 0 && { required }),
    ...(items !== undefined && { items: structural(items as Json) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties as Record<string, Json>).map(([key, each]) => [key, structural(each)]),
      ),
    }),
    ...(isMap && { additionalProperties: structural(additionalProperties as Json) }),
  };
}
