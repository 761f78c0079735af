/**
 * What stood behind a Service at a moment: its endpoints, the numbers of its ports, the node ports that lead to it.
 *
 * Does not own: the addresses of Services themselves (entity-intervals.ts), which pods a selector selects.
 */

import { canonicalJson, plainAddress } from '#policy';
import type { EndpointSliceProjection, EntityChange, ServicePort, Transport } from '#schemas';
import { Intervals, open } from './intervals.ts';

export interface ServiceOwner {
  readonly type: 'service';
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly ServicePort[];
}

export interface Backends {
  /** Of its endpoints; sorted, each once. */
  readonly addresses: readonly string[];
  /** In the pods, by the name of the Service's port; several where slices differ. */
  readonly portsByName: ReadonlyMap<string, readonly number[]>;
}

/** The port an outgoing connection names; a Service may stand for another one. */
export interface PortOf {
  readonly transport: Transport;
  readonly port: number;
}

const nobody: Backends = { addresses: [], portsByName: new Map() };

export class ServiceIntervals {
  /** By cluster, namespace and Service; held by slices. */
  readonly #slices = new Intervals<EndpointSliceProjection>();
  /** By cluster, transport and port; held by Services. */
  readonly #nodePorts = new Intervals<ServiceOwner>();

  applyService(key: string, change: EntityChange, owner: ServiceOwner): void {
    const ports = change.op === 'DELETED' ? [] : owner.ports.filter(({ nodePort }) => nodePort > 0);
    const keys = ports.map(({ transport, nodePort }) => nodePortKey(change.cluster, transport, nodePort));
    holdFrom(this.#nodePorts, { keys, holder: key, value: owner, change });
  }

  applySlice(key: string, change: EntityChange, slice: EndpointSliceProjection): void {
    const { cluster, namespace, op } = change;
    const keys = op === 'DELETED' ? [] : [`${cluster}/${namespace}/${slice.service}`];
    holdFrom(this.#slices, { keys, holder: key, value: slice, change });
  }

  /** At the moment of a tombstone. */
  end(key: string, atUs: number): void {
    this.#slices.end(key, atUs);
    this.#nodePorts.end(key, atUs);
  }

  backends({ cluster, namespace, name }: ServiceOwner, atUs: number): Backends {
    const slices = this.#slices.at(`${cluster}/${namespace}/${name}`, atUs);
    if (slices.length === 0) return nobody;
    const addresses = new Set(slices.flatMap(slice => slice.addresses.map(plainAddress)));
    const portsByName = new Map<string, number[]>();
    for (const [port, number] of slices.flatMap(slice => Object.entries(slice.portsByName))) {
      const known = portsByName.get(port) ?? [];
      if (!known.includes(number)) portsByName.set(port, [...known, number]);
    }
    return { addresses: [...addresses].sort(), portsByName };
  }

  /** The Service that a node's port led to; several: whichever was meant, it cannot be told. */
  behindNodePort(cluster: string, { transport, port }: PortOf, atUs: number): readonly ServiceOwner[] {
    return this.#nodePorts.at(nodePortKey(cluster, transport, port), atUs);
  }

  forget(beforeUs: number): void {
    this.#slices.forget(beforeUs);
    this.#nodePorts.forget(beforeUs);
  }
}

function nodePortKey(cluster: string, transport: Transport, port: number): string {
  return `${cluster}/${transport}/${port}`;
}

/** The Service's port that a connection named. */
export function servedPort({ ports }: ServiceOwner, named?: PortOf | null): ServicePort | undefined {
  return ports.find(({ transport, port }) => transport === named?.transport && port === named.port);
}

export interface HeldFrom<T> {
  readonly keys: readonly string[];
  readonly holder: string;
  readonly value: T;
  readonly change: EntityChange;
}

/**
 * Holds the value at the keys and nowhere else from the change on. Since when it did is known only of what was seen being made;
 * what was listed has always been so.
 */
export function holdFrom<T>(intervals: Intervals<T>, { keys, holder, value, change }: HeldFrom<T>): void {
  const { op, cause, observedAt } = change;
  const isNew = op === 'ADDED' && cause === 'watch';
  intervals.end(holder, observedAt, new Set(keys));
  for (const key of keys) {
    const before = intervals.by(key, holder);
    const isSame = before?.toUs === open && canonicalJson(before.value) === canonicalJson(value);
    if (isSame) continue;
    intervals.change(key, { holder, value, fromUs: before || isNew ? observedAt : 0, toUs: open });
  }
}
