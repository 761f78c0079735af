/**
 * From events to what who did: the step that learning and judging share.
 *
 * Owns: whose event it is (I3). Does not own: what it says (observe.ts), what becomes of it (learner.ts learns it).
 */

import { behaviourKey, type Container } from '#schemas';
import type { ContainerIdentity, EntityIntervals } from './entity-intervals.ts';
import { type LearnableEvent, type Observed, observe } from './observe.ts';
import { resolvePeer } from './resolve-peer.ts';

/** What the event says its container does; never empty. */
export interface Attributed {
  readonly identity: ContainerIdentity;
  /** Key of the container's behaviour profile. */
  readonly key: string;
  readonly observed: readonly Observed[];
}

/**
 * ignored: it says nothing that a policy could be about, for the reason told.
 * unknown: whose it is may become known. refused: it cannot be told, and will not be.
 */
export type Unobserved =
  | { readonly type: 'ignored'; readonly reason: 'irrelevant' }
  | { readonly type: 'unknown'; readonly reason: string }
  | { readonly type: 'refused'; readonly reason: string };

const irrelevant: Unobserved = { type: 'ignored', reason: 'irrelevant' };

interface Known {
  readonly identity: ContainerIdentity;
  readonly key: string;
  /** As it was told. */
  readonly container: Container;
}

export class Observer {
  readonly #intervals: EntityIntervals;
  /** Containers resolved since `#version`, by id: the way most events take. */
  readonly #known = new Map<string, Known>();
  #version = -1;

  constructor(intervals: EntityIntervals) {
    this.#intervals = intervals;
  }

  /** Whatever its verdict. */
  observe(event: LearnableEvent): Attributed | Unobserved {
    const known = this.#resolve(event);
    if ('type' in known) return known;
    const { cluster, podUid } = known.identity;
    const observed = observe(event, (address, named, remote = null) =>
      resolvePeer(this.#intervals, { cluster, address, atUs: event.time, podUid, named, remote }),
    );
    if ('refused' in observed) return { type: 'refused', reason: observed.refused };
    if ('unknown' in observed) return { type: 'unknown', reason: observed.unknown };
    return observed.length === 0 ? irrelevant : { identity: known.identity, key: known.key, observed };
  }

  #resolve(event: LearnableEvent): Known | Unobserved {
    if (this.#version !== this.#intervals.version) {
      this.#known.clear();
      this.#version = this.#intervals.version;
    }
    const { container, origin } = event;
    const id = container.id === '' ? subjectOf(event) : container.id;
    const found = this.#known.get(id);
    if (found && found.identity.cluster === origin.cluster && tellSame(found.container, container))
      return found;
    const identity = identify(event, this.#intervals);
    if ('type' in identity) return identity;
    const known = { identity: identity.found, key: behaviourKey(identity.found), container };
    if (identity.always) this.#known.set(id, known);
    return known;
  }
}

/** The agent's word counts where it is complete; it was bound when the event happened. */
function identify(event: LearnableEvent, intervals: EntityIntervals): Found | Unobserved {
  const { container, origin } = event;
  if (isOfHost(event) && origin.node === '') return { type: 'refused', reason: 'node-unknown' };
  const resolution =
    told(event) ?? host(event) ?? intervals.container(origin.cluster, container.id, event.time);
  if (resolution === 'ambiguous') return { type: 'refused', reason: 'container-ambiguous' };
  if (resolution === 'unknown') return { type: 'unknown', reason: 'container-unknown' };
  // A policy for it could not be made: without a selector it would be a policy for everything in the namespace.
  if (!intervals.selector(resolution.found)) return { type: 'unknown', reason: 'selector-unknown' };
  return resolution;
}

type Found = { readonly found: ContainerIdentity; readonly always: boolean };

function told(event: LearnableEvent): Found | undefined {
  const { container, origin } = event;
  const { namespace, workloadKind, workload, name, image, pod, podUid } = container;
  // Traffic is the whole pod's, and who sees it on the wire knows no container.
  const isOfPod = 'network' in event || 'dns' in event;
  if (!namespace || !workloadKind || !workload || (!name && !isOfPod)) return undefined;
  const { cluster } = origin;
  const found = { cluster, namespace, workloadKind, workload, container: name, image, pod, podUid };
  return { found, always: true };
}

/** What belongs to no container and no pod is its node's: a workload of one replica, without containers. */
function host(event: LearnableEvent): Found | undefined {
  const { cluster, node } = event.origin;
  if (!isOfHost(event)) return undefined;
  const found = { cluster, namespace: '', workloadKind: 'Node', workload: node, container: '' };
  return { found: { ...found, image: '', pod: node, podUid: '' }, always: true };
}

function isOfHost({ container: { id, namespace, pod, workload } }: LearnableEvent): boolean {
  return id === '' && namespace === '' && pod === '' && workload === '';
}

/** Of what has no container id: names repeat between namespaces. */
function subjectOf(event: LearnableEvent): string {
  const { namespace, workloadKind, workload, pod, name } = event.container;
  if (isOfHost(event)) return event.origin.node;
  return `${namespace}/${workloadKind}/${workload}/${pod}/${name}`;
}

/** What one event told of a container must not answer for another that tells something else: which came first would count. */
function tellSame(a: Container, b: Container): boolean {
  return (
    a.id === b.id &&
    a.name === b.name &&
    a.image === b.image &&
    a.pod === b.pod &&
    a.podUid === b.podUid &&
    a.workload === b.workload &&
    a.workloadKind === b.workloadKind &&
    a.namespace === b.namespace
  );
}
