import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnyDocument } from '#policy';
import { type Behaviour, type BehaviourProfile, type Peer, withDefaults } from '#schemas';
import type { Access } from './access.ts';
import { PolicySet } from './decide.ts';
import { makePolicy, policyDefaults } from './make-policy.ts';

const selector = { app: 'web' };
const actor = { namespace: 'shop', labels: selector, container: 'main' };

function peerOf(type: Peer['type'], value: string): Peer {
  if (type !== 'WORKLOAD') return withDefaults('Peer', { type, value });
  const pods = { namespace: 'shop', workloadKind: 'Deployment', workload: value, selector: { app: value } };
  return withDefaults('Peer', { type, ...pods });
}

const outgoing = fc.constantFrom(
  peerOf('WORKLOAD', 'cart'),
  peerOf('WORKLOAD', 'catalogue'),
  peerOf('ADDRESS', '198.51.100.1/32'),
  peerOf('FQDN', 'shard-1.blobs.example'),
  peerOf('FQDN', 'shard-2.blobs.example'),
  peerOf('FQDN', 'shard-3.blobs.example'),
);
const incoming = fc.constantFrom(
  peerOf('WORKLOAD', 'cart'),
  peerOf('ADDRESS', '198.51.100.1/32'),
  peerOf('ENTITY', 'world'),
);
const path = fc
  .array(fc.constantFrom('a', 'b', '1', '22', 'admin', '0123456789abcdef'), { minLength: 1, maxLength: 3 })
  .map(parts => `/${parts.join('/')}`);
const request = fc.record({ method: fc.constantFrom('GET', 'PUT'), path, host: fc.constant('') });

const said = fc.record({
  transport: fc.constantFrom('TCP' as const, 'UDP' as const),
  port: fc.constantFrom(80, 443),
  http: fc.option(request, { freq: 2 }),
});
type Seen = Omit<Behaviour, 'evidence'>;
const behaviour = fc
  .oneof(
    fc.record({ operation: fc.constant('CONNECT' as const), peer: outgoing, said }),
    fc.record({ operation: fc.constant('ACCEPT' as const), peer: incoming, said }),
  )
  .map(
    ({ operation, peer, said: { transport, port, http } }): Seen => ({
      ...{ operation, object: '', source: '', peer, transport, port },
      http: transport === 'TCP' ? http : null,
    }),
  );
const asked = fc
  .constantFrom('a.example', 'shard-1.blobs.example', 'shard-9.blobs.example', 'shard-7.blobs.example')
  .map((object): Seen => {
    const server = peerOf('WORKLOAD', 'dns');
    return { operation: 'DNS', object, source: '', transport: 'UDP', port: 53, peer: server, http: null };
  });
const behaviours = fc.array(fc.oneof({ weight: 4, arbitrary: behaviour }, { weight: 1, arbitrary: asked }), {
  minLength: 1,
  maxLength: 14,
});

function profile(seen: readonly Seen[]): BehaviourProfile {
  const evidence = {
    ...{ count: 1, firstSeen: 1, lastSeen: 1, replicas: [], days: [0], sketch: [1], samples: [] },
  };
  return withDefaults('BehaviourProfile', {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'main' },
    ...{ selector, behaviours: seen.map(each => ({ ...each, evidence })) },
  });
}

const options = {
  http: { identifiersFrom: 2, wordsFrom: 3 },
  names: { namesFrom: 2 },
};

function learned(seen: readonly Seen[]): PolicySet {
  const made = makePolicy([profile(seen)], ['cilium'], { ...policyDefaults, ...options });
  return new PolicySet((made?.documents ?? []).map(parseAnyDocument));
}

const isAdmitted = (set: PolicySet, seen: Seen) => {
  const access: Access = { ...seen, actor };
  return set.decide(access).verdict !== 'deny';
};

/** On which connections it may be judged: one from outside is also one of the world. */
function connectionsOf(seen: Seen): string[] {
  const { operation, transport, port, peer } = seen;
  // Names of one pattern share a rule.
  const value = peer?.type === 'FQDN' ? '' : peer?.value;
  const key = (value: string | undefined) =>
    JSON.stringify([operation, transport, port, peer?.namespace, peer?.workload, value]);
  return operation === 'ACCEPT' && peer?.type === 'ADDRESS' ? [key(value), key('world')] : [key(value)];
}

function withRequests(seen: readonly Seen[]): ReadonlySet<string> {
  return new Set(seen.filter(({ http }) => http !== null).map(each => connectionsOf(each)[0]!));
}

describe('network rules of more behaviours', () => {
  it('admit what those of fewer admit, but requests on connections of which none had been seen to carry any', () => {
    fc.assert(
      fc.property(behaviours, behaviours, behaviours, (some, others, probes) => {
        const [before, after] = [learned(some), learned([...some, ...others])];
        const [knew, knows] = [withRequests(some), withRequests([...some, ...others])];
        const directions = new Set(some.map(({ operation }) => operation === 'ACCEPT'));
        for (const probe of [...some, ...others, ...probes]) {
          // Nothing is closed by a policy there was no reason to write.
          if (directions.size === 0 || !isAdmitted(before, probe)) continue;
          const isNarrowed = probe.http && connectionsOf(probe).some(key => knows.has(key) && !knew.has(key));
          if (!isNarrowed) expect(isAdmitted(after, probe), JSON.stringify(probe)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never lose layer 7: where requests were seen, others stay denied whatever else is seen', () => {
    fc.assert(
      fc.property(behaviours, behaviours, (some, others) => {
        const all = [...some, ...others];
        const set = learned(all);
        for (const each of all.filter(({ http }) => http !== null)) {
          const isOpenToAll = each.operation === 'ACCEPT' && each.peer?.type === 'ADDRESS';
          // Where the world may come without a request, so may whoever is a part of it.
          if (
            isOpenToAll &&
            all.some(({ peer, operation }) => operation === 'ACCEPT' && peer?.value === 'world')
          )
            continue;
          const never = { method: 'DELETE', path: '/never/seen', host: '' };
          expect(isAdmitted(set, { ...each, http: never }), JSON.stringify(each)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});
