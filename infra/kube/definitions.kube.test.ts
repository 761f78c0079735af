import { describe, expect, inject, it } from 'vitest';
import { kubeArmorDefinitions, ownKubeArmorDefinitions } from './definitions.ts';
import type { KubeObject } from './kube-client.ts';

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly required?: readonly string[];
}

const below = (at: string, name: string) => (at === '' ? name : `${at}.${name}`);

/** `spec.file.matchPaths[].path`, of everything that a document may hold. */
function fieldsOf({ properties = {}, items }: Schema, at = ''): string[] {
  const inside = Object.entries(properties).flatMap(([name, schema]) => {
    const place = below(at, name);
    return [place, ...fieldsOf(schema, place)];
  });
  return items ? [...inside, ...fieldsOf(items, `${at}[]`)] : inside;
}

/** Those that a document must hold, where it holds what they are in. */
function requiredOf({ properties = {}, items, required = [] }: Schema, at = ''): string[] {
  return [
    ...required.map(name => below(at, name)),
    ...Object.entries(properties).flatMap(([name, schema]) => requiredOf(schema, below(at, name))),
    ...(items ? requiredOf(items, `${at}[]`) : []),
  ];
}

function schemaOf(objects: readonly KubeObject[], name: string): Schema {
  const found = objects.find(({ metadata }) => metadata.name === name) as unknown as {
    readonly spec: {
      readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
    };
  };
  return found.spec.versions[0]!.schema.openAPIV3Schema;
}

/** Says something only where KubeArmor's own definitions are given; the title tells. */
describe.each(['kubearmorpolicies', 'kubearmorhostpolicies'])(
  `our %s, beside ${inject('kubeArmorSource')},`,
  plural => {
    const name = `${plural}.security.kubearmor.com`;
    const schemas = async () => ({
      ours: schemaOf(ownKubeArmorDefinitions().objects, name),
      theirs: schemaOf((await kubeArmorDefinitions()).objects, name),
    });

    it('have no field of their own', async () => {
      const { ours, theirs } = await schemas();
      const known = new Set(fieldsOf(theirs));
      expect(fieldsOf(ours).filter(field => !known.has(field))).toEqual([]);
    });

    it('require what is required', async () => {
      const { ours, theirs } = await schemas();
      const all = new Set(fieldsOf(ours));
      const required = new Set(requiredOf(ours));
      expect(requiredOf(theirs).filter(field => all.has(field) && !required.has(field))).toEqual([]);
    });
  },
);
