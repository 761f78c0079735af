/** For tests: what discovery makes of flows, logs and entities, from the records as they are written to verdicts. */

import { type FormatName, formatReader, type ReadEvent } from '#formats';
import { readEntityObjects } from '#kubernetes';
import { parseAnyDocument } from '#policy';
import {
  type EntityChange,
  entityKey,
  type NetworkEvent,
  type Peer,
  type Policy,
  type Transport,
  withDefaults,
} from '#schemas';
import {
  type Access,
  firstPolicy,
  knownEmitters,
  type PolicyOptions,
  PolicySet,
  policyDefaults,
  type Verdict,
} from '../../pipelines/discovery/index.ts';
import { EventSubjects } from '../../pipelines/enrich/event-subjects.ts';
import { LearnAtOnce, type LearnableEvent } from '../../pipelines/enrich/index.ts';

export interface Recorded {
  /** As `kubectl get -o json` prints them. */
  readonly objects?: readonly object[];
  /** As an informer told them. */
  readonly entities?: readonly EntityChange[];
  /** Lines of `hubble observe -o jsonpb`. */
  readonly flows?: readonly object[];
  /** Lines of KubeArmor. */
  readonly logs?: readonly object[];
  /** As our own agents tell them. */
  readonly events?: readonly NetworkEvent[];
  readonly options?: Partial<PolicyOptions>;
}

export interface Learned {
  readonly policies: readonly Policy[];
  /** Of all policies, sorted. */
  readonly losses: readonly string[];
  /** Messages of events that could not be learned. */
  readonly notLearned: readonly string[];
  /** By the documents of one kind alone: each has to do on its own. */
  readonly verdict: (by: DocumentKind, access: Access) => Verdict;
  /** The documents as they are emitted, of one kind. */
  readonly documents: (by: DocumentKind) => readonly object[];
}

export type DocumentKind = 'kubearmor' | 'cilium' | 'kubernetes';

const kinds = { kubearmor: /^KubeArmor/, cilium: /^Cilium/, kubernetes: /^NetworkPolicy$/ };

export function learned(recorded: Recorded): Learned {
  const learning = new LearnAtOnce({ holdLimit: 1000, hosts: true });
  let offset = 0;
  const take = (event: LearnableEvent) =>
    learning.take(event, { topic: 'recorded', partition: 0, offset: offset++ });
  const sink = {
    entity: learning.entity.bind(learning),
    event: ({ event }: ReadEvent) => take(event as LearnableEvent),
  };
  const objects = recorded.objects && { text: JSON.stringify(recorded.objects), source: 'objects.json' };
  const subjects = new EventSubjects(sink, objects && readEntityObjects([objects], 'c'));
  for (const value of recorded.entities ?? [])
    learning.entity({ key: entityKey(value), value, timestampMs: Math.floor(value.observedAt / 1000) });
  for (const each of read('hubble', recorded.flows ?? [])) subjects.take([each]);
  for (const each of read('kubearmor', recorded.logs ?? [])) subjects.take([each]);
  for (const event of recorded.events ?? [])
    subjects.take([{ topic: 'events.network.v1', event, subject: { labels: {} } }]);
  learning.end();
  const policy = { ...policyDefaults, ...recorded.options };
  const policies = [...learning.workloads()].flatMap(
    profiles => firstPolicy(profiles, { emit: knownEmitters, stage: 'CANDIDATE', policy }) ?? [],
  );
  const of = (by: DocumentKind) =>
    policies
      .flatMap(({ documents }) => documents)
      .filter(({ kind }) => kinds[by].test(kind))
      .map(parseAnyDocument);
  return {
    policies,
    losses: policies.flatMap(({ losses }) => losses).sort(),
    notLearned: learning.account.notLearned.map(({ message }) => message),
    verdict: (by, access) => new PolicySet(of(by)).decide(access).verdict,
    documents: of,
  };
}

function read(format: FormatName, records: readonly object[]): ReadEvent[] {
  const reader = formatReader(format, { cluster: 'c', input: 'in' });
  const text = records.map(record => `${JSON.stringify(record)}\n`).join('');
  const outcomes = [...reader.push(Buffer.from(text)), ...reader.end()];
  return outcomes.flatMap(outcome => ('events' in outcome ? outcome.events : []));
}

type Labels = Readonly<Record<string, string>>;

/** A pod's peer. */
export function pods(labels: Labels, namespace = 'shop'): Peer {
  return withDefaults('Peer', {
    ...{ type: 'WORKLOAD', namespace, workloadKind: 'Pods', selector: { ...labels } },
  });
}

export function address(value: string): Peer {
  return withDefaults('Peer', { type: 'ADDRESS', value });
}

export interface Traffic {
  readonly with: Peer;
  readonly port: number;
  readonly transport?: Transport;
  readonly request?: string;
  /** The name that was asked for, of a DNS server. */
  readonly asking?: string;
}

/** What a pod with these labels does. `request`: `GET /path`. */
export function traffic(operation: 'CONNECT' | 'ACCEPT', labels: Labels, given: Traffic): Access {
  const [method, path] = given.request?.split(' ') ?? [];
  return {
    actor: { namespace: 'shop', labels, container: 'main' },
    operation: given.asking === undefined ? operation : 'DNS',
    ...{
      object: given.asking ?? '',
      transport: given.transport ?? 'TCP',
      port: given.port,
      peer: given.with,
    },
    http: method && path ? { method, path, host: '' } : null,
  };
}

export type PathOperation = 'EXEC' | 'FILE_READ' | 'FILE_WRITE';

/** What the container `main` of a pod with these labels does to a path. */
export function path(operation: PathOperation, labels: Labels, object: string, source = '/bin/main'): Access {
  return {
    actor: { namespace: 'shop', labels, container: 'main' },
    ...{ operation, object, source, transport: 'OTHER', port: 0, peer: null, http: null },
  };
}
