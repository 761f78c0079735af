import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Peer } from '#schemas';
import { BehaviourRows } from './behaviour-rows.ts';
import { identityOf, type Observed } from './observe.ts';
import { hashText, PackedTexts } from './packed-texts.ts';

const text = fc.oneof(
  fc.constantFrom('', '/a', '/b', '/etc/é', '/data/日本'),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

const observed: fc.Arbitrary<Observed> = fc.record({
  operation: fc.constantFrom('EXEC', 'FILE_READ', 'CONNECT'),
  object: text,
  source: fc.constantFrom('', '/bin/x', '/bin/y'),
  transport: fc.constantFrom('OTHER', 'TCP'),
  port: fc.constantFrom(0, 80, 65_535),
  peer: fc.option(
    fc.record({
      type: fc.constantFrom('WORKLOAD', 'ADDRESS'),
      namespace: fc.constant('n'),
      workloadKind: fc.constant('Deployment'),
      workload: fc.constantFrom('p', 'q'),
      selector: fc.constant<Peer['selector']>({}),
      value: fc.constantFrom('', '10.0.0.1/32'),
    }),
  ),
  http: fc.constant(null),
});
const request: fc.Arbitrary<Observed> = fc
  .tuple(observed, fc.record({ method: fc.constantFrom('GET', 'PUT'), path: text, host: fc.constant('') }))
  .map(([each, http]) => ({ ...each, object: '', http }));

describe('rows of behaviours', () => {
  it('are one for each identity, and give back what was put in', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(observed, request), { maxLength: 80 }), fc.nat(100), (all, room) => {
        const rows = new BehaviourRows();
        rows.reserve(room);
        const rowOf = new Map<string, number>();
        for (const each of [...all, ...all]) {
          const row = rows.put(each);
          expect(row).toBe(rowOf.get(identityOf(each)) ?? rowOf.size);
          rowOf.set(identityOf(each), row);
          expect(rows.at(row)).toEqual(each);
        }
        expect(rows.length).toBe(rowOf.size);
      }),
    );
  });

  it('are found among very many', () => {
    const rows = new BehaviourRows();
    const nth = (i: number): Observed => ({
      ...{ operation: 'FILE_READ', object: `/srv/site/page-${i}.html`, source: '/usr/sbin/nginx' },
      ...{ transport: 'OTHER', port: 0, peer: null, http: null },
    });
    for (let i = 0; i < 100_000; i++) expect(rows.put(nth(i))).toBe(i);
    for (let i = 0; i < 100_000; i += 997) expect(rows.put(nth(i))).toBe(i);
  });
});

describe('packed texts', () => {
  it('are what they were, whatever their characters, and have the hash of the text', () => {
    fc.assert(
      fc.property(fc.array(text), texts => {
        const packed = new PackedTexts();
        const places = texts.map(each => packed.push(each));
        for (const [index, place] of places.entries()) {
          expect(packed.at(place)).toBe(texts[index]);
          expect(packed.hashAt(place, 7)).toBe(hashText(texts[index]!, 7));
          for (const other of texts) expect(packed.is(place, other)).toBe(other === texts[index]);
        }
      }),
    );
  });
});
