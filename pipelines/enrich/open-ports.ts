/**
 * Ports that all the world comes to: on them who comes is no longer told apart.
 *
 * Owns: from when on addresses outside are one peer, the reserved identity `world`. Without that, whoever serves the public
 * has a profile that grows by every visitor, and a policy that denies the next one.
 *
 * Invariants:
 * O1 Which ports are open depends on the set of peers that were seen alone (I2), and what is open stays so.
 * O2 Addresses of private use never open a port, and stay as they were seen.
 */

import { type Cidr, contains, parseCidr } from '#policy';
import { type Peer, withDefaults } from '#schemas';
import type { Observed } from './observe.ts';

/** More addresses than these, from more networks than these (/8 of IPv4, /16 of IPv6), are the world. */
export const openFrom = Object.freeze({ addresses: 32, networks: 3 });

const world: Peer = withDefaults('Peer', { type: 'ENTITY', value: 'world' });

export class OpenPorts {
  readonly #visitors = new Map<string, Set<string>>();
  readonly #open = new Set<string>();

  /** Takes a behaviour in. True when it opens a port: what was seen on it before is to be told anew by `kept`. */
  opens({ operation, transport, port, peer }: Observed): boolean {
    if (operation !== 'ACCEPT' || !peer) return false;
    const key = keyOf(transport, port);
    if (this.#open.has(key)) return false;
    if (!isWorld(peer) && !this.#isOneTooMany(key, peer)) return false;
    this.#open.add(key);
    this.#visitors.delete(key);
    return true;
  }

  /** The behaviour as it is kept. */
  kept(observed: Observed): Observed {
    const { operation, transport, port, peer } = observed;
    if (operation !== 'ACCEPT' || peer?.type !== 'ADDRESS' || !this.#open.has(keyOf(transport, port)))
      return observed;
    return isPublic(peer.value) ? { ...observed, peer: world } : observed;
  }

  #isOneTooMany(key: string, { type, value }: Peer): boolean {
    if (type !== 'ADDRESS') return false;
    const visitors = this.#visitors.get(key) ?? new Set<string>();
    if (visitors.has(value) || !isPublic(value)) return false;
    this.#visitors.set(key, visitors.add(value));
    if (visitors.size <= openFrom.addresses) return false;
    return new Set([...visitors].map(networkOf)).size > openFrom.networks;
  }
}

function keyOf(transport: string, port: number): string {
  return `${transport} ${port}`;
}

function isWorld({ type, value }: Peer): boolean {
  return type === 'ENTITY' && value === 'world';
}

function networkOf(range: string): string {
  return range.slice(0, range.search(/[.:]/));
}

const privateRanges = [
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8'],
  ...['fc00::/7', 'fe80::/10', '::1/128'],
].map(range => parseCidr(range)!);

function isPublic(value: string): boolean {
  const range: Cidr | undefined = parseCidr(value);
  return range !== undefined && !privateRanges.some(each => contains(each, range));
}
