import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdHash, type Peer } from '#schemas';
import { identityOf, type Observed } from './observe.ts';
import { GrowingProfile } from './profile.ts';

const key = { cluster: 'c', namespace: 'n', workloadKind: 'Deployment', workload: 'w', container: 'x' };

const observed: fc.Arbitrary<Observed> = fc.record({
  operation: fc.constantFrom('EXEC', 'FILE_READ', 'CONNECT'),
  object: fc.constantFrom('', '/a', '/b'),
  source: fc.constantFrom('', '/bin/x'),
  transport: fc.constantFrom('OTHER', 'TCP'),
  port: fc.constantFrom(0, 80),
  peer: fc.option(
    fc.record({
      type: fc.constant('WORKLOAD' as const),
      namespace: fc.constant('n'),
      workloadKind: fc.constant('Deployment'),
      workload: fc.constantFrom('p', 'q'),
      // Two spellings for the same peer: who saw it earlier knew less.
      selector: fc.constantFrom<Peer['selector']>({}, { app: 'p' }, { app: 'q' }),
      value: fc.constant(''),
    }),
  ),
  http: fc.option(
    fc.record({ method: fc.constantFrom('GET', 'PUT'), path: fc.constant('/'), host: fc.constant('') }),
  ),
});
const seen = fc.record({ observed, sequence: fc.nat(50), image: fc.constantFrom('', 'i:1', 'i:2') });
const parts = fc.array(fc.array(seen, { maxLength: 20 }), { minLength: 1, maxLength: 4 });
type Seen = typeof seen extends fc.Arbitrary<infer T> ? T : never;

function profileOf(events: readonly Seen[]) {
  const profile = new GrowingProfile(key);
  for (const { observed, sequence, image } of events) {
    const origin = { cluster: 'c', node: 'n', agent: 'a', bootId: 'b', sequence };
    profile.addImage(image);
    profile.see(observed, {
      origin,
      hash: eventIdHash(origin),
      timeUs: sequence,
      replica: 'r',
      topic: 't',
      partition: 0,
      offset: sequence,
    });
  }
  return profile;
}

describe('behaviour profiles', () => {
  it('joined from parts in any order and more than once are the same', () => {
    fc.assert(
      fc.property(parts, each => {
        expect(profileOf(each.flat().toReversed()).record()).toEqual(profileOf(each.flat()).record());
        const records = each.map(events => profileOf(events).record());
        const joined = (list: typeof records) => {
          const profile = new GrowingProfile(key);
          for (const record of list) profile.join(record);
          return profile.record();
        };
        const once = joined(records);
        expect(joined(records.toReversed())).toEqual(once);
        expect(joined([...records, ...records])).toEqual(once);
        expect(joined([once])).toEqual(once);
      }),
    );
  });

  it('are sorted and hold each behaviour once', () => {
    fc.assert(
      fc.property(fc.array(seen), events => {
        const { behaviours } = profileOf(events).record();
        const identities = behaviours.map(identityOf);
        expect(new Set(identities).size).toBe(identities.length);
      }),
    );
  });

  it('tell whether a join brought a behaviour more', () => {
    const one = profileOf(fc.sample(seen, 1));
    expect(one.join(one.record())).toBe(false);
    expect(new GrowingProfile(key).join(one.record())).toBe(true);
  });

  it('say how workloads are selected now, and keep what they knew where that is not known', () => {
    const peer = {
      type: 'WORKLOAD' as const,
      namespace: 'n',
      workloadKind: 'Deployment',
      workload: 'p',
      selector: { app: 'old' },
      value: '',
    };
    const profile = new GrowingProfile(key, { app: 'old' });
    const origin = { cluster: 'c', node: 'n', agent: 'a', bootId: 'b', sequence: 1 };
    const where = { origin, hash: 1, timeUs: 1, replica: 'r', topic: 't', partition: 0, offset: 0 };
    profile.see(
      { operation: 'CONNECT', object: '', source: '', transport: 'TCP', port: 1, peer, http: null },
      where,
    );
    const selectors = (record: ReturnType<typeof profile.record>) => [
      record.selector,
      record.behaviours[0]!.peer!.selector,
    ];
    expect(selectors(profile.record())).toEqual([{ app: 'old' }, { app: 'old' }]);
    expect(selectors(profile.record(({ workload }) => ({ now: workload })))).toEqual([
      { now: 'w' },
      { now: 'p' },
    ]);
  });
});
