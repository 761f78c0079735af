import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNamed } from './decide-cilium.ts';
import { generaliseNames } from './generalise-names.ts';

function rules(names: readonly string[], namesFrom?: number) {
  const patterns = new Set(
    generaliseNames(names, namesFrom === undefined ? undefined : { namesFrom }).values(),
  );
  return [...patterns].map(({ pattern, names }) => `${pattern} (${names.length})`);
}

const shards = (count: number) => Array.from({ length: count }, (_, i) => `shard-${i + 1}.blobs.example`);

describe('DNS names', () => {
  it('of one pattern are one rule from the fifth on, which says how many were seen', () => {
    expect(rules(shards(4))).toHaveLength(4);
    expect(rules(shards(5))).toEqual(['shard-*.blobs.example (5)']);
    expect(generaliseNames(shards(5)).get('shard-1.blobs.example')?.admits).toContain('of which 5 were seen');
    expect(rules(shards(2), 2)).toEqual(['shard-*.blobs.example (2)']);
  });

  it('differ in numbers, uuids and long hexadecimals, not in words', () => {
    const uuid = '123e4567-e89b-12d3-a456-42661417400';
    expect(rules(Array.from({ length: 5 }, (_, i) => `${uuid}${i}.api.example.com`))).toEqual([
      '*.api.example.com (5)',
    ]);
    expect(
      rules(
        ['deadbeef01', 'deadbeef02', 'cafe000001', 'abcdef0123', '0badc0ffee'].map(
          id => `b-${id}.s3.example`,
        ),
      ),
    ).toEqual(['b-*.s3.example (5)']);
    const words = ['api', 'www', 'mail', 'docs', 'shop', 'cdn'].map(word => `${word}.example.com`);
    expect(rules(words)).toHaveLength(6);
  });

  it('keep their last two labels, so that nobody else’s names are admitted', () => {
    expect(rules(Array.from({ length: 9 }, (_, i) => `example${i}.com`))).toHaveLength(9);
  });

  it('keep how many labels they have', () => {
    const [pattern] = generaliseNames(shards(5)).values();
    const match = { name: null, pattern: pattern!.pattern };
    expect(isNamed(match, 'shard-77.blobs.example')).toBe(true);
    expect(isNamed(match, 'shard-7.evil.blobs.example')).toBe(false);
    expect(isNamed(match, 'evil.blobs.example')).toBe(false);
  });

  const name = fc
    .tuple(
      fc.constantFrom('a', 'node-1', 'node-22', 'x7', '10', 'deadbeef01', '0123456789ab'),
      fc.constantFrom('s3', 'eu-west-1', 'eu-west-2', 'b'),
      fc.constantFrom('example.com', 'example.org', 'cluster.local'),
    )
    .map(parts => parts.join('.'));

  it('that were seen are all admitted, whatever their order and number', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), (names, namesFrom) => {
        const patterns = generaliseNames(names, { namesFrom });
        for (const each of names) {
          const { pattern } = patterns.get(each)!;
          const match = pattern.includes('*') ? { name: null, pattern } : { name: pattern, pattern: null };
          expect(isNamed(match, each), `${pattern} for ${each}`).toBe(true);
        }
        const turned = generaliseNames([...names, ...names].reverse(), { namesFrom });
        expect(new Map([...turned].sort())).toEqual(new Map([...patterns].sort()));
      }),
    );
  });
});
