import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BehaviourProfile,
  behaviourKey,
  type DnsEvent,
  type NetworkEvent,
  withDefaults,
} from '#schemas';
import { LearnAtOnce } from './learn-at-once.ts';
import { GrowingProfile } from './profile.ts';
import { entities, eventMaker, keyOf, pods } from './sample-cluster.ts';

/** What is done, and by which pod; all of it within a few minutes. */
const pod = fc.constantFrom(pods.web0, pods.web1, pods.db0);
const outside = fc.integer({ min: 1, max: 60 }).map(n => `${20 + (n % 6)}.0.0.${n}`);
const path = fc.constantFrom('/', '/item/1', '/item/22', '/item/333?x=1', '/admin');
const http = fc.option(fc.record({ method: fc.constantFrom('GET', 'PUT'), path }), { freq: 2 });
const verdict = fc.constantFrom(
  'ALLOW' as const,
  'ALLOW' as const,
  'ALLOW' as const,
  'AUDIT' as const,
  'DENY' as const,
);

const connection = fc.record({
  pod,
  verdict,
  http,
  direction: fc.constantFrom('EGRESS' as const, 'INGRESS' as const),
  remoteAddress: fc.oneof(outside, fc.constantFrom('10.96.0.7', '10.1.0.20', '10.1.0.10', '2001:db8::1')),
  port: fc.constantFrom(443, 6380),
});
const answer = fc.record({
  pod,
  verdict,
  query: fc.constantFrom('a.example', 'B.example.', 'shard-1.example.org'),
  addresses: fc.array(outside, { maxLength: 3 }),
});
const activities = fc.array(
  fc.oneof({ weight: 3, arbitrary: connection }, { weight: 1, arbitrary: answer }),
  {
    minLength: 1,
    maxLength: 80,
  },
);

type ValueOf<A> = A extends fc.Arbitrary<infer V> ? V : never;
type Activity = ValueOf<typeof connection> | ValueOf<typeof answer>;

interface Placed {
  readonly event: NetworkEvent | DnsEvent;
  readonly offset: number;
}

/** Each event has a place of its own, wherever it is read. */
function eventsOf(activities: readonly Activity[]): Placed[] {
  const make = eventMaker();
  return activities.map((each, offset) => {
    const acting = { pod: each.pod, verdict: each.verdict };
    if ('query' in each) {
      const { network: _, ...head } = make.network(acting, {});
      const { query, addresses } = each;
      const dns = withDefaults('DnsAnswer', { query, addresses, ttlSeconds: 60, serverAddress: '10.96.0.7' });
      return { event: { ...head, dns }, offset };
    }
    const { direction, remoteAddress, port, http } = each;
    const ports =
      direction === 'EGRESS'
        ? { localPort: 40_000, remotePort: port }
        : { localPort: port, remotePort: 40_000 };
    const request = http && { ...http, host: '' };
    const event = make.network(acting, {
      operation: 'FLOW',
      direction,
      remoteAddress,
      ...ports,
      http: request,
    });
    return { event, offset };
  });
}

/** By behaviour key: what tasks learn that have an event each, joined. */
function learned(tasks: readonly (readonly Placed[])[]): ReadonlyMap<string, BehaviourProfile> {
  const whole = new Map<string, GrowingProfile>();
  for (const placed of tasks) {
    const learning = new LearnAtOnce({ holdLimit: 100, hosts: false });
    for (const value of entities()) learning.entity({ key: keyOf.entity(value), value, timestampMs: 0 });
    for (const { event, offset } of placed) learning.take(event, { topic: 't', partition: 0, offset });
    learning.end();
    for (const profile of [...learning.workloads()].flat()) {
      const key = behaviourKey(profile);
      const known = whole.get(key);
      if (known) known.join(profile);
      else whole.set(key, GrowingProfile.of(profile));
    }
  }
  return new Map([...whole].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, each.record()]));
}

function shuffled(placed: readonly Placed[], numbers: fc.Stream<number>): Placed[] {
  return placed
    .map(each => ({ each, by: numbers.next().value as number }))
    .sort((a, b) => a.by - b.by)
    .map(({ each }) => each);
}

describe('what is learned of the network, requests and names included', () => {
  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(activities, fc.infiniteStream(fc.nat(1000)), (all, numbers) => {
        const placed = eventsOf(all);
        expect(learned([shuffled([...placed, ...placed], numbers)])).toEqual(learned([placed]));
      }),
    );
  });

  it('does not depend on which task an event came to', () => {
    fc.assert(
      fc.property(activities, fc.array(fc.nat(2), { minLength: 80, maxLength: 80 }), (all, taskOf) => {
        const placed = eventsOf(all);
        const tasks = [0, 1, 2].map(task => placed.filter((_, i) => taskOf[i] === task));
        expect(learned(tasks)).toEqual(learned([placed]));
      }),
    );
  });

  it('grows only: all that some events show, those and others show too, alone or within what the world does', () => {
    fc.assert(
      fc.property(activities, fc.nat(80), (all, cut) => {
        const placed = eventsOf(all);
        const [before, after] = [learned([placed.slice(0, cut)]), learned([placed])];
        for (const [key, { behaviours }] of before) {
          const later = after.get(key)!.behaviours;
          for (const { evidence: _, ...each } of behaviours) {
            const isThere = later.some(
              ({ evidence: _, ...other }) =>
                JSON.stringify(other) === JSON.stringify(each) ||
                (JSON.stringify({ ...other, peer: null }) === JSON.stringify({ ...each, peer: null }) &&
                  other.peer?.value === 'world'),
            );
            expect(isThere, JSON.stringify(each)).toBe(true);
          }
        }
      }),
    );
  });
});
