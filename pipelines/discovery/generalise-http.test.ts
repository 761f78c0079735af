import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '#schemas';
import { generaliseHttp, type HttpOptions } from './generalise-http.ts';

const evidence: Evidence = {
  ...{ count: 1, firstSeen: 1, lastSeen: 1, replicas: [], days: [0], samples: [] },
  sketch: [1],
};
const get = (path: string, method = 'GET') => ({ method, path, evidence });
const rules = (paths: readonly string[], options?: HttpOptions) =>
  generaliseHttp(
    paths.map(path => get(path)),
    options,
  ).map(({ path, observed }) => `${path} (${observed})`);

describe('requests', () => {
  it('stay what they are, whatever a regular expression would make of them', () => {
    expect(rules(['/a.b', '/c+d', '/'])).toEqual(['/ (1)', '/a\\.b (1)', '/c\\+d (1)']);
  });

  it('that differ in numbers, uuids or long hexadecimals only are one rule, from the second on', () => {
    expect(rules(['/item/1'])).toEqual(['/item/1 (1)']);
    expect(rules(['/item/1', '/item/22'])).toEqual(['/item/[0-9]+ (2)']);
    expect(rules(['/u/1/o/5', '/u/1/o/6'])).toEqual(['/u/1/o/[0-9]+ (2)']);
    expect(rules(['/o/0123456789abcdef', '/o/fedcba9876543210'])).toEqual(['/o/[0-9a-fA-F]{16,} (2)']);
  });

  it('of other methods are other rules', () => {
    const made = generaliseHttp([get('/item/1'), get('/item/2', 'PUT')]);
    expect(made.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /item/1', 'PUT /item/2']);
  });

  it('that differ in one word are one rule when they are many', () => {
    const words = Array.from({ length: 20 }, (_, i) => `/p/word${String.fromCharCode(97 + i)}/view`);
    expect(rules(words.slice(1))).toHaveLength(19);
    expect(rules(words)).toEqual(['/p/[^/]+/view (20)']);
    expect(rules(words.slice(0, 3), { identifiersFrom: 2, wordsFrom: 3 })).toEqual(['/p/[^/]+/view (3)']);
  });

  it('for something sensitive stay what they are', () => {
    const paths = ['/admin/1', '/admin/2', '/reset/token/7', '/reset/token/8'];
    expect(rules(paths)).toEqual(paths.map(path => `${path} (1)`));
    const words = Array.from({ length: 30 }, (_, i) => `/word-${'x'.repeat(i)}`);
    expect(rules([...words, '/admin'])).toHaveLength(31);
  });

  it('are told with what they admit besides', () => {
    const [rule] = generaliseHttp([get('/item/1'), get('/item/2')]);
    expect(rule!.admits).toBe('any number in its place, of which 2 were seen');
    expect(generaliseHttp([get('/item/1')])[0]!.admits).toBe('');
  });

  it('that differ in words of two places are one rule when both hold many', () => {
    const letters = [...'abcd'];
    const paths = letters.flatMap(one => letters.map(other => `/p/${one}/${other}`));
    expect(rules(paths, { identifiersFrom: 2, wordsFrom: 4 })).toEqual(['/p/[^/]+/[^/]+ (16)']);
  });

  it('that are more admit no less, also where the one more is of another kind', () => {
    const words = [...'abcdefghijklmnopqrst'];
    const before = words.map(each => `/p/1/${each}`);
    const unseen = '/p/1/zz';
    const admits = (paths: readonly string[]) =>
      generaliseHttp(paths.map(path => get(path))).some(({ path }) =>
        new RegExp(`^(?:${path})$`).test(unseen),
      );
    expect(admits(before)).toBe(true);
    expect(admits([...before, '/p/2/a'])).toBe(true);
    expect(admits([...before, ...words.map(each => `/p/1/a/${each}`)])).toBe(true);
  });

  const segment = fc.constantFrom('a', 'b', 'c', '1', '22', 'admin', 'x.y', '0123456789abcdef', '');
  const path = fc.array(segment, { maxLength: 4 }).map(parts => `/${parts.join('/')}`);
  const options = fc.record({
    identifiersFrom: fc.integer({ min: 1, max: 4 }),
    wordsFrom: fc.integer({ min: 1, max: 4 }),
  });

  it('are admitted, all of them, and do not depend on order or repetition', () => {
    fc.assert(
      fc.property(fc.array(path, { minLength: 1, maxLength: 20 }), options, (paths, given) => {
        const made = generaliseHttp(
          paths.map(each => get(each)),
          given,
        );
        for (const each of paths)
          expect(made.some(rule => new RegExp(`^(?:${rule.path})$`).test(each))).toBe(true);
        const again = generaliseHttp(
          [...paths.toReversed(), ...paths].map(each => get(each)),
          given,
        );
        expect(again.map(rule => rule.path)).toEqual(made.map(rule => rule.path));
      }),
    );
  });

  it('are monotone: what some admit, those and others admit', () => {
    const paths = fc.array(path, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(paths, paths, path, options, (some, others, probe, given) => {
        const admits = (seen: readonly string[], asked: string) =>
          generaliseHttp(
            seen.map(each => get(each)),
            given,
          ).some(rule => new RegExp(`^(?:${rule.path})$`).test(asked));
        for (const asked of [probe, ...others, '/a/b/x', '/a/7/c', '/b/7/7/7'])
          if (admits(some, asked)) expect(admits([...some, ...others], asked), asked).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
