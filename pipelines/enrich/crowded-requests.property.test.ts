import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Behaviour, type BehaviourProfile, withDefaults } from '#schemas';
import { CrowdedRequests, crowdedRequestsFrom } from './crowded-requests.ts';
import { GrowingProfile } from './profile.ts';

const key = {
  ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: '' },
};
const peer = withDefaults('Peer', {
  type: 'WORKLOAD',
  namespace: 'shop',
  workload: 'front',
  selector: { app: 'f' },
});

function asked(path: string, sequence: number, method = 'GET'): Behaviour {
  return {
    ...{ operation: 'ACCEPT', object: '', source: '', transport: 'TCP', port: 80, peer },
    http: { method, path, host: '' },
    evidence: {
      ...{ count: 1, firstSeen: sequence, lastSeen: sequence, replicas: [], days: [0], sketch: [sequence] },
      samples: [],
    },
  };
}

function record(behaviours: readonly Behaviour[]): BehaviourProfile {
  return withDefaults('BehaviourProfile', { ...key, selector: { app: 'web' }, behaviours: [...behaviours] });
}

function grown(...parts: readonly (readonly Behaviour[])[]): BehaviourProfile {
  const profile = new GrowingProfile(key);
  for (const part of parts) profile.join(GrowingProfile.of(record(part)).record());
  return profile.record();
}

const paths = (made: (i: number) => string, count = crowdedRequestsFrom + 1) =>
  Array.from({ length: count }, (_, i) => asked(made(i), i + 1));
const pathsOf = ({ behaviours }: BehaviourProfile) => behaviours.map(({ http }) => http!.path);

describe('a place in paths that holds many', () => {
  it('is told as one, by its kind, from the one on that is one too many', () => {
    expect(grown(paths(i => `/item/${i}`, crowdedRequestsFrom)).behaviours).toHaveLength(crowdedRequestsFrom);
    expect(pathsOf(grown(paths(i => `/item/${i}/view`)))).toEqual(['/item/…number/view']);
    expect(pathsOf(grown(paths(i => `/tag/word-${i}`)))).toEqual(['/tag/…word']);
    const [only] = grown(paths(i => `/item/${i}`)).behaviours;
    expect(only!.evidence).toMatchObject({ firstSeen: 1, lastSeen: crowdedRequestsFrom + 1 });
  });

  it('leaves other kinds, other places and other methods apart', () => {
    const others = [asked('/item/size', 900), asked('/item/7', 901, 'PUT'), asked('/u/7', 902)];
    expect(pathsOf(grown([...paths(i => `/item/${i}`), ...others]))).toEqual([
      ...['/item/size', '/item/…number', '/u/7', '/item/7'],
    ]);
  });

  it('joins what follows after it', () => {
    const cards = paths(i => `/customers/${i}/cards/${i * 7}`);
    expect(pathsOf(grown(cards))).toEqual(['/customers/…number/cards/…number']);
  });

  it('is never the first for words, nor in a sensitive path', () => {
    expect(grown(paths(i => `/page-${i}`)).behaviours).toHaveLength(crowdedRequestsFrom + 1);
    expect(grown(paths(i => `/admin/${i}`)).behaviours).toHaveLength(crowdedRequestsFrom + 1);
  });

  const part = fc.constantFrom('a', 'b', 'c', 'd', '1', '2', '3', '4', 'admin', '0123456789abcdef');
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => `/${parts.join('/')}`);

  /** The whole of it without profiles, few being a crowd: until nothing changes any more. */
  function told(all: readonly string[]): ReadonlySet<string> {
    const requests = new CrowdedRequests(2);
    let kept = all.map((each, i) => asked(each, i));
    for (let isCrowded = true; isCrowded; ) {
      isCrowded = false;
      kept = kept.map(each => requests.kept(each) as Behaviour);
      for (const each of kept) isCrowded = requests.crowds(each) || isCrowded;
    }
    return new Set(kept.map(({ http }) => http!.path));
  }

  it('does not depend on order, nor on what was told as one before', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 25 }), fc.nat(25), (all, cut) => {
        const expected = [...told(all)].sort();
        expect([...told(all.toReversed())].sort()).toEqual(expected);
        expect([...told([...told(all.slice(0, cut)), ...told(all.slice(cut))])].sort()).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same profile however what was seen is split and repeated', () => {
    const number = fc.integer({ min: 1, max: 400 });
    const request = fc
      .tuple(fc.constantFrom('/item/', '/u/1/o/', '/tag/w'), number)
      .map(([before, n]) => before + n);
    fc.assert(
      fc.property(fc.array(request, { minLength: 60, maxLength: 200 }), fc.nat(200), (all, cut) => {
        const seen = [...new Set(all)].map((each, i) => asked(each, i + 1));
        const split = grown([...seen.slice(cut), ...seen.slice(0, 20)], seen.slice(0, cut).reverse());
        expect(split).toEqual(grown(seen));
      }),
      { numRuns: 30 },
    );
  });
});
