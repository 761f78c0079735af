import { describe, expect, it } from 'vitest';
import { type Behaviour, withDefaults } from '#schemas';
import { nameConnections } from './name-connections.ts';

function seen(
  behaviour: Pick<Behaviour, 'operation' | 'object' | 'transport' | 'port'>,
  first: number,
  last: number,
) {
  const peer = withDefaults('Peer', { type: 'ADDRESS', value: '192.0.2.1/32' });
  const evidence = {
    count: 2,
    firstSeen: first,
    lastSeen: last,
    replicas: [],
    days: [0],
    sketch: [],
    samples: [],
  };
  return { ...behaviour, source: '', peer, http: null, evidence };
}

const connected = (first: number, last = first, port = 443) =>
  seen({ operation: 'CONNECT', object: '', transport: 'TCP', port }, first, last);
const answered = (object: string, first: number, last = first) =>
  seen({ operation: 'DNS', object, transport: 'OTHER', port: 0 }, first, last);

function nameOf(connection: Behaviour, ...answers: Behaviour[]) {
  const named = nameConnections([connection, ...answers]);
  const turned = nameConnections([...answers, connection].reverse());
  expect(turned.find(({ behaviour }) => behaviour.operation === 'CONNECT')).toEqual(named[0]);
  return named[0]!.behaviour.peer!.value;
}

describe('a connection to an address', () => {
  it('is one to the name the address was answered for before', () => {
    expect(nameOf(connected(100), answered('a.example', 99))).toBe('a.example');
    expect(nameConnections([connected(100), answered('a.example', 99)])[0]!.addresses).toEqual([
      '192.0.2.1/32',
    ]);
  });

  it('stays one to the address when it was answered afterwards only', () => {
    expect(nameOf(connected(100), answered('a.example', 101))).toBe('192.0.2.1/32');
  });

  it('is one to the name that was asked for just then, when names share the address', () => {
    const busy = answered('busy.example', 10, 900);
    expect(nameOf(connected(502, 502, 80), busy, answered('seldom.example', 500))).toBe('seldom.example');
    expect(nameOf(connected(11, 901), busy, answered('seldom.example', 500))).toBe('busy.example');
  });

  it('of names that were answered at the same time is one to the first by name', () => {
    expect(nameOf(connected(10), answered('b.example', 9), answered('a.example', 9))).toBe('a.example');
  });
});
