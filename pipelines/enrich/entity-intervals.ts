/**
 * Who a container id or an address was at a moment, from the changes of entities.v1 (I3).
 *
 * Owns: intervals of validity. Does not own: what selects a workload (workload-selectors.ts), what is behind a Service
 * (service-intervals.ts), what becomes of events that cannot be resolved (observer.ts).
 *
 * Invariants:
 * N1 The answer depends on the changes, not on when the question is asked: changes of one object come in its order,
 *    those of different objects may come in any.
 * N2 Two who may have held an id or an address at the same moment make it ambiguous: nobody is guessed.
 */

import { addressRange, type Cidr, contains, parseCidr, plainAddress } from '#policy';
import type {
  EntityChange,
  NodeProjection,
  PodProjection,
  ServiceProjection,
  WorkloadProjection,
} from '#schemas';
import { type Held, Intervals, open } from './intervals.ts';
import {
  type Backends,
  holdFrom,
  type PortOf,
  ServiceIntervals,
  type ServiceOwner,
  servedPort,
} from './service-intervals.ts';
import { hostNameLabel, type Labels, type Workload, WorkloadSelectors } from './workload-selectors.ts';

export type { Labels, Workload } from './workload-selectors.ts';

/** A container of a pod. The same object at every call, as long as no entity changed. */
export interface ContainerIdentity extends Workload {
  readonly container: string;
  readonly image: string;
  readonly pod: string;
  readonly podUid: string;
}

export type AddressOwner =
  | ({ readonly type: 'pod'; readonly podUid: string } & Workload)
  | { readonly type: 'node'; readonly name: string }
  | ServiceOwner;

export interface AddressQuestion {
  readonly cluster: string;
  readonly address: string;
  readonly atUs: number;
  /** The port a connection was opened to; absent or null: it was accepted. */
  readonly named?: PortOf | null;
}

/** `always`: whatever the moment. */
export type Resolution<T> = { readonly found: T; readonly always: boolean } | 'unknown' | 'ambiguous';

interface PodFacts extends Workload {
  readonly uid: string;
  readonly pod: string;
  readonly fromUs: number;
}

export interface EntityRecord {
  readonly key: string;
  readonly value: EntityChange | null;
  readonly timestampMs: number;
}

/** How long an ended interval is remembered: as long as the topics keep events. */
const rememberedUs = 7 * 86_400_000_000;
const changesBetweenForgetting = 4096;
const mostRemembered = 16_384;

export class EntityIntervals {
  /** Grows with every change that is taken in. */
  version = 0;
  readonly #pods = new Map<string, PodFacts>();
  readonly #containers = new Intervals<ContainerIdentity>();
  readonly #addresses = new Intervals<AddressOwner>();
  readonly #selectors = new WorkloadSelectors();
  readonly #services = new ServiceIntervals();
  /** Where pods of nodes are, by key of the node. */
  readonly #podRanges = new Map<string, readonly Cidr[]>();
  readonly #inPodRange = new Map<string, boolean>();
  #latestUs = 0;

  /** `value` null is the tombstone of a key `cluster/kind/namespace/name`. */
  apply({ key, value, timestampMs }: EntityRecord): void {
    this.version += 1;
    this.#latestUs = Math.max(this.#latestUs, value?.observedAt ?? timestampMs * 1000);
    if (this.version % changesBetweenForgetting === 0) this.#forget();
    if (value === null) this.#end(key, timestampMs * 1000);
    else if (value.pod) this.#applyPod(key, value, value.pod);
    else if (value.service) this.#applyService(key, value, value.service);
    else if (value.endpointSlice) this.#services.applySlice(key, value, value.endpointSlice);
    else if (value.node) this.#applyNode(key, value, value.node);
    else if (value.workload) this.#applyWorkload(value, value.workload);
  }

  /** Ids are not reused, so the moment only matters where several claim one. */
  container(cluster: string, id: string, atUs: number): Resolution<ContainerIdentity> {
    const held = this.#containers.of(`${cluster}/${id}`);
    return held.length === 1 ? { found: held[0]!.value, always: true } : only(held, atUs);
  }

  /** Of Services that share an address the one that serves the port counts. */
  address({ cluster, address, atUs, named }: AddressQuestion): Resolution<AddressOwner> {
    const held = this.#addresses.of(`${cluster}/${plainAddress(address)}`);
    const resolution = only(held, atUs);
    if (resolution !== 'ambiguous') return resolution;
    const others = held.filter(({ value }) => value.type !== 'service' || servedPort(value, named));
    const services = others.filter(({ value }) => value.type === 'service');
    // The ports of a Service are taken before what else is at the address.
    return only(services.some(({ fromUs, toUs }) => fromUs <= atUs && atUs < toUs) ? services : others, atUs);
  }

  /** What stood behind the Service at the moment, where its endpoints are told. */
  backends(service: ServiceOwner, atUs: number): Backends {
    return this.#services.backends(service, atUs);
  }

  /** The Service that a port of the nodes led to; undefined: none, or several may have had it. */
  behindNodePort(cluster: string, nodePort: PortOf, atUs: number): ServiceOwner | undefined {
    const found = this.#services.behindNodePort(cluster, nodePort, atUs);
    return found.length === 1 ? found[0] : undefined;
  }

  /** Whether only pods can be at the address, as the nodes say. */
  isPodAddress(cluster: string, address: string): boolean {
    if (this.#podRanges.size === 0) return false;
    const key = `${cluster}/${address}`;
    const known = this.#inPodRange.get(key);
    if (known !== undefined) return known;
    const range = addressRange(plainAddress(address));
    const isInside = [...this.#podRanges].some(
      ([node, ranges]) =>
        node.startsWith(`${cluster}/`) && ranges.some(each => range !== undefined && contains(each, range)),
    );
    if (this.#inPodRange.size >= mostRemembered) this.#inPodRange.clear();
    this.#inPodRange.set(key, isInside);
    return isInside;
  }

  /** What selects the workload's pods. Undefined: not known, or nothing that would select. */
  selector(workload: Workload): Labels | undefined {
    return this.#selectors.of(workload);
  }

  /** The one workload whose selector the labels of a pod fit; undefined: none, or several. */
  selecting(cluster: string, namespace: string, labels: Labels): Workload | undefined {
    return this.#selectors.selecting(cluster, namespace, labels);
  }

  #applyPod(key: string, change: EntityChange, pod: PodProjection): void {
    const { cluster, namespace, name, uid, observedAt } = change;
    const before = this.#pods.get(key);
    const startUs = pod.startedAt ?? observedAt;
    const isSame = before?.uid === uid;
    if (before && !isSame) this.#end(key, startUs);
    const facts: PodFacts = {
      cluster,
      namespace,
      workloadKind: pod.ownerKind || 'Pod',
      workload: pod.owner || name,
      uid,
      pod: name,
      fromUs: isSame ? Math.min(before.fromUs, startUs) : startUs,
    };
    this.#pods.set(key, facts);
    this.#selectors.applyPod(facts, pod.labels);
    this.#noteContainers(facts, pod);
    this.#noteAddresses(facts, pod, change);
    if (change.op === 'DELETED') this.#end(key, observedAt);
  }

  #noteContainers(facts: PodFacts, pod: PodProjection): void {
    const { cluster, namespace, workloadKind, workload, uid, fromUs } = facts;
    for (const { id, name, image, startedAt, finishedAt } of pod.containers) {
      if (id === '') continue;
      this.#containers.hold(`${cluster}/${id}`, {
        holder: `${uid}/${name}`,
        value: {
          cluster,
          namespace,
          workloadKind,
          workload,
          container: name,
          image,
          pod: facts.pod,
          podUid: uid,
        },
        fromUs: Math.min(startedAt ?? fromUs, fromUs),
        toUs: finishedAt ?? open,
      });
    }
  }

  /** A pod gives its addresses up when it has run to its end; of one that lost an address it is known when that was seen. */
  #noteAddresses(facts: PodFacts, pod: PodProjection, { observedAt }: EntityChange): void {
    const { cluster, namespace, workloadKind, workload, uid, fromUs } = facts;
    const isOver = pod.phase === 'Succeeded' || pod.phase === 'Failed';
    const finishedUs = Math.max(...pod.containers.map(({ finishedAt }) => finishedAt ?? observedAt));
    const endUs = isOver ? Math.min(observedAt, finishedUs) : open;
    // What uses its node's network has the node's address, and so have others: an address range, not a pod.
    const own = pod.hostNetwork ? [] : pod.addresses;
    const keys = new Set(own.map(address => `${cluster}/${plainAddress(address)}`));
    this.#addresses.end(uid, observedAt, keys);
    for (const key of keys) {
      const before = this.#addresses.by(key, uid);
      this.#addresses.hold(key, {
        holder: uid,
        value: { type: 'pod', podUid: uid, cluster, namespace, workloadKind, workload },
        fromUs: before?.fromUs ?? fromUs,
        toUs: isOver ? Math.min(endUs, before?.toUs ?? open) : open,
      });
    }
  }

  #applyService(key: string, change: EntityChange, service: ServiceProjection): void {
    const { cluster, namespace, name, op } = change;
    const { selector, ports } = service;
    const value: ServiceOwner = { type: 'service', cluster, namespace, name, selector, ports };
    const real = service.addresses.filter(address => address !== '' && address !== 'None');
    const keys = op === 'DELETED' ? [] : real.map(address => `${cluster}/${plainAddress(address)}`);
    holdFrom(this.#addresses, { keys, holder: key, value, change });
    this.#services.applyService(key, change, value);
  }

  #applyNode(key: string, change: EntityChange, { addresses, labels, podRanges }: NodeProjection): void {
    const { cluster, name, op } = change;
    const keys = op === 'DELETED' ? [] : addresses.map(address => `${cluster}/${plainAddress(address)}`);
    holdFrom(this.#addresses, { keys, holder: key, value: { type: 'node', name }, change });
    if (op !== 'DELETED')
      this.#podRanges.set(
        key,
        podRanges.flatMap(range => parseCidr(range) ?? []),
      );
    this.#inPodRange.clear();
    const hostName = labels[hostNameLabel];
    if (hostName === undefined) return;
    const owner = { cluster, namespace: '', workloadKind: 'Node', workload: name };
    this.#selectors.apply(owner, { [hostNameLabel]: hostName }, { isOwned: false, isGone: false });
  }

  #applyWorkload({ cluster, kind, namespace, name, op }: EntityChange, workload: WorkloadProjection): void {
    const self = { cluster, namespace, workloadKind: kind, workload: name };
    const isOwned = workload.owner !== '';
    this.#selectors.apply(self, workload.selector, { isOwned, isGone: op === 'DELETED' });
  }

  #end(key: string, atUs: number): void {
    const uid = this.#pods.get(key)?.uid;
    this.#addresses.end(uid ?? key, atUs);
    this.#services.end(key, atUs);
    this.#pods.delete(key);
  }

  #forget(): void {
    this.#containers.forget(this.#latestUs - rememberedUs);
    this.#addresses.forget(this.#latestUs - rememberedUs);
    this.#services.forget(this.#latestUs - rememberedUs);
  }
}

function only<T>(held: readonly Held<T>[], atUs: number): Resolution<T> {
  const then = held.filter(({ fromUs, toUs }) => fromUs <= atUs && atUs < toUs);
  if (then.length === 1) return { found: then[0]!.value, always: false };
  return then.length === 0 ? 'unknown' : 'ambiguous';
}
