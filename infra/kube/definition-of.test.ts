import { expect, it } from 'vitest';
import { z } from 'zod';
import { definitionOf } from './definition-of.ts';

const kind = { group: 'example.com', version: 'v1', kind: 'ThingPolicy', scope: 'Cluster' } as const;

it('says of a schema what a definition can say: types, choices, patterns, limits, what is required', () => {
  const schema = z.strictObject({
    apiVersion: z.literal('example.com/v1'),
    metadata: z.looseObject({ name: z.string() }),
    spec: z.strictObject({
      size: z.int().min(1).max(10),
      mode: z.enum(['a', 'b']).optional(),
      labels: z.record(z.string(), z.string()).optional(),
      paths: z.array(z.union([z.string().regex(/^\/a/), z.string().regex(/^\/b/)])).optional(),
    }),
  });
  const definition = definitionOf(schema, kind) as unknown as Record<string, unknown>;
  expect(definition).toMatchObject({
    metadata: { name: 'thingpolicies.example.com' },
    spec: { group: 'example.com', scope: 'Cluster', names: { kind: 'ThingPolicy', plural: 'thingpolicies' } },
  });
  const { versions } = definition.spec as { versions: { schema: { openAPIV3Schema: object } }[] };
  expect(versions[0]!.schema.openAPIV3Schema).toEqual({
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', enum: ['example.com/v1'] },
      metadata: { type: 'object' },
      spec: {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', minimum: 1, maximum: 10 },
          mode: { type: 'string', enum: ['a', 'b'] },
          labels: { type: 'object', additionalProperties: { type: 'string' } },
          paths: {
            type: 'array',
            items: { type: 'string', anyOf: [{ pattern: '^\\/a' }, { pattern: '^\\/b' }] },
          },
        },
      },
    },
  });
});
