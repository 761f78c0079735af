import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digest, policyDigest } from './canonical.ts';

/** The same value with the keys of its objects in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, reversed(field)]),
  );
}

describe('canonical JSON', () => {
  it('is JSON of the same value, and does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  it('sorts keys by code unit, leaves out what is undefined and refuses what JSON cannot hold', () => {
    expect(canonicalJson({ b: 1, a: { é: 'ü', Z: null }, c: undefined })).toBe(
      '{"a":{"Z":null,"é":"ü"},"b":1}',
    );
    for (const value of [Number.NaN, 1n, () => 1])
      expect(() => canonicalJson({ value })).toThrow(/canonical/);
  });

  it('digests a policy by its target and documents alone', () => {
    const target = {
      cluster: 'c',
      namespace: 'n',
      workloadKind: 'Deployment',
      workload: 'w',
      selector: { app: 'w' },
    };
    const documents = [{ apiVersion: 'v1', kind: 'K', name: 'd', content: '{}' }];
    const policy = { target, documents };
    expect(policyDigest({ ...policy, generation: 7 } as typeof policy)).toBe(policyDigest(policy));
    expect(policyDigest({ ...policy, documents: [] })).not.toBe(policyDigest(policy));
    expect(digest({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
  });
});
