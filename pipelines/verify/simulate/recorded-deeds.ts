/**
 * From the events of a recording to what was done in it, with what policies may ask about both sides.
 *
 * Owns: labels of actor and peer, names of addresses, the other side of a connection.
 * Does not own: whose event it is (enrich's Observer), verdicts (judge.ts).
 *
 * An agent on a node reports a connection from one side. What the other side must have done is concluded, unless it told it
 * itself: a policy of either side may refuse the connection. Flows are told by both.
 */

import type { ReadEvent } from '#formats';
import { labelledKind } from '#kubernetes';
import type { Endpoint, Peer } from '#schemas';
import {
  type Attributed,
  EntityIntervals,
  type EntityRecord,
  identityOf,
  type Labels,
  type Observed,
  Observer,
  type RecordingSink,
} from '../../enrich/index.ts';
import { ClusterObjects, type PodLabels } from './cluster-objects.ts';
import { type LabelSet, LabelSets } from './label-sets.ts';
import { type Deed, type Example, type Sight, type Tallied, Tally } from './tally.ts';

/** All that was taken in so far, but for entities: they are read anew. Fit for JSON. */
export interface DeedsState {
  readonly events: number;
  readonly unjudged: readonly (readonly [string, number])[];
  readonly names: readonly (readonly [string, readonly string[]])[];
  readonly deeds: readonly (readonly [string, Tallied])[];
}

export class RecordedDeeds implements RecordingSink {
  readonly tally: Tally;
  readonly objects = new ClusterObjects();
  /** Events of which no verdict can be told, by reason. */
  readonly unjudged: Map<string, number>;
  events: number;
  readonly #names: Map<string, Set<string>>;
  readonly #intervals = new EntityIntervals();
  readonly #observer = new Observer(this.#intervals);
  readonly #sets = new LabelSets();
  /** What was found out since entities changed last. */
  #actors = new WeakMap<object, LabelSet>();
  #behind = new Map<string, PodLabels | undefined>();

  constructor(state?: DeedsState) {
    this.tally = Tally.of(state?.deeds ?? []);
    this.#names = new Map(state?.names.map(([key, names]) => [key, new Set(names)]));
    this.unjudged = new Map(state?.unjudged);
    this.events = state?.events ?? 0;
  }

  entity(record: EntityRecord): void {
    this.#intervals.apply(record);
    this.objects.apply(record);
    this.#actors = new WeakMap();
    this.#behind.clear();
  }

  event(read: ReadEvent): void {
    const { event } = read;
    this.events += 1;
    const found = this.#observer.observe(event);
    if ('type' in found) {
      this.#leave(found.reason);
      return;
    }
    const sight = { times: read.times ?? 1, timeUs: event.time, example: () => exampleOf(read) };
    const actor = this.#actorSet(found, read.subject.labels);
    let isToNobody = false;
    for (const observed of found.observed) {
      if (observed.operation === 'DNS' && observed.transport === 'OTHER') this.#noteName(found, observed);
      else if (observed.peer === null && isTraffic(observed)) isToNobody = true;
      else this.#add(read, { found, actor, observed, sight });
    }
    if (isToNobody) this.#leave('peer-unknown');
  }

  #leave(reason: string): void {
    this.unjudged.set(reason, (this.unjudged.get(reason) ?? 0) + 1);
  }

  /** Names under which an address was answered to the workload. */
  namesOf({ cluster, namespace, workloadKind, workload }: Deed['actor'], address: string): readonly string[] {
    const names = this.#names.get(`${cluster}/${namespace}/${workloadKind}/${workload} ${address}`);
    return names ? [...names].sort() : [];
  }

  state(): DeedsState {
    return {
      events: this.events,
      unjudged: [...this.unjudged],
      names: [...this.#names].map(([key, names]) => [key, [...names]]),
      deeds: [...this.tally.entries()],
    };
  }

  #noteName({ identity }: Attributed, { object, peer }: Observed): void {
    const { cluster, namespace, workloadKind, workload } = identity;
    const key = `${cluster}/${namespace}/${workloadKind}/${workload} ${peer!.value}`;
    const names = this.#names.get(key) ?? new Set();
    this.#names.set(key, names.add(object));
  }

  #add({ event }: ReadEvent, { found, actor, observed, sight }: Acting): void {
    const { identity, key: profile } = found;
    const { cluster, namespace, workloadKind, workload, container } = identity;
    const network = 'network' in event ? event.network : null;
    const address = observed.peer?.type === 'FQDN' ? (network?.remoteAddress ?? '') : '';
    const peer = this.#peer(observed.peer, {
      cluster,
      remote: network?.remote ?? null,
      address: network?.remoteAddress ?? '',
      timeUs: event.time,
    });
    const key = `${event.verdict} ${actor.id} ${peer?.set.id ?? ''} ${address} ${profile}\n${identityOf(observed)}`;
    const make = (): Deed => ({
      actor: { cluster, namespace, workloadKind, workload, container, labels: actor.labels },
      observed: peer ? { ...observed, peer: labelled(observed.peer!, peer.set.labels) } : observed,
      ...{ address, isConcluded: false, verdict: event.verdict },
    });
    this.tally.add(key, make, sight);
    const isFlow = network === null || network.operation === 'FLOW';
    if (isFlow || event.verdict === 'DENY' || !peer?.workload) return;
    this.tally.add(`other side of ${key}`, () => otherSide(make(), peer.workload!), sight);
  }

  #actorSet({ identity }: Attributed, told: Labels): LabelSet {
    const known = this.#actors.get(identity);
    if (known) return known;
    const { cluster, workloadKind, workload } = identity;
    const isTold = Object.keys(told).length > 0;
    const labels =
      workloadKind === 'Node'
        ? this.objects.node(cluster, workload)
        : ((isTold ? told : undefined) ?? this.objects.pod(identity)?.labels);
    const set = this.#sets.of(labels ?? this.#intervals.selector(identity) ?? {});
    if (!isTold) this.#actors.set(identity, set);
    return set;
  }

  /** Null of who has no labels. The workload is only known of pods whose objects are. */
  #peer(peer: Peer | null, asked: PeerAsked): KnownPeer | null {
    if (peer?.type !== 'WORKLOAD') return null;
    const { cluster, remote, address, timeUs } = asked;
    const at = address === '' ? 'unknown' : this.#intervals.address({ cluster, address, atUs: timeUs });
    const owner = typeof at === 'string' ? undefined : at.found;
    const pod =
      owner?.type === 'pod' ? this.objects.podOf(cluster, owner.podUid) : this.#podsBehind(cluster, peer);
    const isTold = remote !== null && Object.keys(remote.labels).length > 0;
    const set = isTold ? this.#sets.ofPod(remote.labels) : this.#sets.of(pod?.labels ?? peer.selector);
    return { set, workload: pod?.workload ? pod : undefined };
  }

  #podsBehind(cluster: string, { namespace, workloadKind, workload, selector }: Peer): PodLabels | undefined {
    if (workloadKind !== 'Service' && workloadKind !== labelledKind) return undefined;
    const key = `${cluster}/${namespace}/${workloadKind}/${workload}`;
    if (!this.#behind.has(key)) this.#behind.set(key, this.objects.behind({ cluster, namespace, selector }));
    return this.#behind.get(key);
  }
}

/** Whom it is with decides. */
function isTraffic({ operation }: Observed): boolean {
  return ['CONNECT', 'SEND', 'ACCEPT', 'DNS'].includes(operation);
}

interface Acting {
  readonly found: Attributed;
  readonly actor: LabelSet;
  readonly observed: Observed;
  readonly sight: Sight;
}

interface PeerAsked {
  readonly cluster: string;
  readonly remote: Endpoint | null;
  readonly address: string;
  readonly timeUs: number;
}

interface KnownPeer {
  readonly set: LabelSet;
  readonly workload: PodLabels | undefined;
}

function labelled(peer: Peer, labels: Labels): Peer {
  return { ...peer, selector: { ...labels } };
}

/** What the peer of a connection did, on the same port. */
function otherSide({ actor, observed, verdict }: Deed, { workloadKind, workload }: PodLabels): Deed {
  const { cluster, namespace, labels } = actor;
  const { namespace: theirs, selector } = observed.peer!;
  const peer: Peer = {
    ...{ type: 'WORKLOAD', namespace, workloadKind: actor.workloadKind, workload: actor.workload },
    ...{ selector: { ...labels }, value: '' },
  };
  return {
    actor: { cluster, namespace: theirs, workloadKind, workload, container: '', labels: selector },
    observed: {
      ...observed,
      operation: observed.operation === 'ACCEPT' ? 'CONNECT' : 'ACCEPT',
      source: '',
      peer,
    },
    ...{ address: '', isConcluded: true, verdict },
  };
}

/** Readers of files call `file:line` the origin's boot id. */
function exampleOf({ event, at }: ReadEvent): Example {
  const { origin, time } = event;
  const place = at ? `${at.topic}/${at.partition}@${at.offset}` : origin.bootId;
  return { place, node: origin.node, sequence: origin.sequence, timeUs: time };
}
