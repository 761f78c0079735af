import { describe, expect, it } from 'vitest';
import { type Behaviour, withDefaults } from '#schemas';
import { evidenceOfKinds } from './behaviour-kinds.ts';

let next = 0;
function seen(given: Partial<Behaviour>): Behaviour {
  next += 1;
  const evidence = { count: 1, firstSeen: next, lastSeen: next, replicas: [], days: [0], sketch: [next] };
  const nothing = { object: '', source: '', transport: 'TCP', port: 80, peer: null, http: null } as const;
  return { operation: 'CONNECT', ...nothing, ...given, evidence: { ...evidence, samples: [] } };
}

const counts = (...behaviours: Behaviour[]) =>
  evidenceOfKinds(behaviours)
    .map(({ count }) => count)
    .sort();
const named = (value: string) => withDefaults('Peer', { type: 'FQDN', value });
const at = (address: string) => withDefaults('Peer', { type: 'ADDRESS', value: `${address}/32` });
const get = (path: string, method = 'GET') => seen({ http: { method, path, host: '' } });

describe('kinds of behaviours', () => {
  it('are one for requests that differ in identifiers, not for those that differ in words or method', () => {
    expect(counts(get('/item/1'), get('/item/2'), get('/item/3'))).toEqual([3]);
    expect(counts(get('/item/1'), get('/item/1', 'PUT'), get('/other/1'))).toEqual([1, 1, 1]);
  });

  it('are one for names of one pattern, and for what was reached at their addresses', () => {
    expect(counts(seen({ peer: named('s-1.a.example') }), seen({ peer: named('s-2.a.example') }))).toEqual([
      2,
    ]);
    const answer = (object: string, address: string) =>
      seen({ operation: 'DNS', object, transport: 'OTHER', port: 0, peer: at(address) });
    const connections = ['192.0.2.1', '192.0.2.2'].flatMap(address => [
      answer('cdn.a.example', address),
      seen({ peer: at(address) }),
    ]);
    expect(counts(...connections)).toEqual([2]);
  });

  it('are as many as behaviours where nothing is alike', () => {
    expect(
      counts(seen({ peer: at('192.0.2.1') }), seen({ peer: at('192.0.2.2') }), seen({ port: 81 })),
    ).toEqual([...[1, 1, 1]]);
  });
});
