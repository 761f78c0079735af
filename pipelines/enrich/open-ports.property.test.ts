import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Behaviour, type BehaviourProfile, type Peer, withDefaults } from '#schemas';
import { openFrom } from './open-ports.ts';
import { GrowingProfile } from './profile.ts';

const key = {
  ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'main' },
};

function accepted(peer: Peer, sequence: number, port = 443): Behaviour {
  return {
    ...{ operation: 'ACCEPT', object: '', source: '', transport: 'TCP', port, peer, http: null },
    evidence: {
      ...{ count: 1, firstSeen: sequence, lastSeen: sequence, replicas: [], days: [0], sketch: [sequence] },
      samples: [],
    },
  };
}

const address = (value: string) => withDefaults('Peer', { type: 'ADDRESS', value });
const world = withDefaults('Peer', { type: 'ENTITY', value: 'world' });

function record(behaviours: readonly Behaviour[]): BehaviourProfile {
  return { ...key, selector: { app: 'web' }, images: [], alerts: [], behaviours: [...behaviours] };
}

function grown(...parts: readonly (readonly Behaviour[])[]): BehaviourProfile {
  const profile = new GrowingProfile(key);
  for (const part of parts) profile.join(GrowingProfile.of(record(part)).record());
  return profile.record();
}

const visitors = (count: number, networks = 8) =>
  Array.from({ length: count }, (_, i) => accepted(address(`${20 + (i % networks)}.0.${i}.1/32`), i + 1));

const visit = fc
  .record({
    first: fc.constantFrom(20, 30, 40, 50, 60, 10),
    last: fc.nat(25),
    port: fc.constantFrom(443, 8080),
    sequence: fc.integer({ min: 1, max: 1_000_000 }),
  })
  .map(({ first, last, port, sequence }) => accepted(address(`${first}.0.0.${last}/32`), sequence, port));
const visits = fc.array(
  fc.oneof({ weight: 30, arbitrary: visit }, { weight: 1, arbitrary: fc.constant(accepted(world, 7)) }),
  { minLength: 1, maxLength: 120 },
);

describe('a port that all the world comes to', () => {
  it('is one peer from the address on that is one too many', () => {
    const few = grown(visitors(openFrom.addresses));
    expect(few.behaviours).toHaveLength(openFrom.addresses);
    const many = grown(visitors(openFrom.addresses + 1));
    expect(many.behaviours.map(({ peer }) => peer)).toEqual([world]);
    expect(many.behaviours[0]!.evidence).toMatchObject({ firstSeen: 1, lastSeen: openFrom.addresses + 1 });
  });

  it('is not what one network comes to, however many its addresses, nor what private addresses do', () => {
    expect(grown(visitors(200, openFrom.networks)).behaviours).toHaveLength(200);
    const inside = Array.from({ length: 200 }, (_, i) => accepted(address(`10.${i}.0.1/32`), i + 1));
    expect(grown(inside).behaviours).toHaveLength(200);
  });

  it('leaves other ports, private addresses and what goes out as they are', () => {
    const others = [
      accepted(address('21.0.0.1/32'), 900, 8080),
      accepted(address('10.0.0.1/32'), 901),
      { ...accepted(address('21.0.0.2/32'), 902), operation: 'CONNECT' as const },
    ];
    const { behaviours } = grown([...visitors(40), ...others]);
    expect(behaviours.map(({ operation, port, peer }) => [operation, port, peer!.value])).toEqual([
      ...[
        ['ACCEPT', 443, '10.0.0.1/32'],
        ['ACCEPT', 443, 'world'],
        ['ACCEPT', 8080, '21.0.0.1/32'],
      ],
      ['CONNECT', 443, '21.0.0.2/32'],
    ]);
  });

  it('does not depend on order, repetition, or how what was seen is split', () => {
    fc.assert(
      fc.property(visits, fc.nat(120), fc.infiniteStream(fc.nat(1000)), (seen, cut, numbers) => {
        const shuffled = [...seen, ...seen]
          .map(each => ({ each, by: numbers.next().value as number }))
          .sort((a, b) => a.by - b.by)
          .map(({ each }) => each);
        expect(grown(shuffled.slice(0, cut), shuffled.slice(cut))).toEqual(grown(seen));
      }),
    );
  });

  it('stays open whatever comes later', () => {
    fc.assert(
      fc.property(visits, visits, (before, later) => {
        const open = ({ behaviours }: BehaviourProfile) =>
          behaviours.filter(({ peer }) => peer?.value === 'world').map(({ port }) => port);
        expect(open(grown(before, later))).toEqual(expect.arrayContaining(open(grown(before))));
      }),
    );
  });
});
