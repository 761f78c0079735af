/** Whether policies let an activity pass: both ends have to, each by Sluice's own evaluator. */

import type { AnyPolicyObject } from '#policy';
import { type Peer, withDefaults } from '#schemas';
import { type Access, PolicySet } from '../../../pipelines/discovery/index.ts';
import { type Activity, isPod, type Party } from './activity.ts';
import { nodes, type Pod } from './pod-lives.ts';

export class Judge {
  readonly #byNamespace: ReadonlyMap<string, PolicySet>;
  readonly #known = new Map<string, boolean>();

  constructor(policies: readonly AnyPolicyObject[]) {
    const of = Map.groupBy(policies, ({ metadata }) => metadata.namespace ?? 'default');
    this.#byNamespace = new Map([...of].map(([namespace, each]) => [namespace, new PolicySet(each)]));
  }

  admits(activity: Activity): boolean {
    return this.#admitsAt(activity, 'client') && this.#admitsAt(activity, 'server');
  }

  /** Also when the other end refuses. */
  #admitsAt(activity: Activity, side: 'client' | 'server'): boolean {
    const self = activity[side];
    if (!isPod(self) || self.workload.hostNetwork) return true;
    const other = activity[side === 'client' ? 'server' : 'client'];
    const { transport, port, request, question, names } = activity;
    const key = [
      side,
      self.uid,
      identity(other),
      transport,
      port,
      request?.method,
      request?.path,
      question?.name,
      names,
    ];
    const spelled = key.join(' ');
    const known = this.#known.get(spelled);
    if (known !== undefined) return known;
    const set = this.#byNamespace.get(self.workload.namespace);
    const admitted =
      !set || accesses(activity, side, self, other).some(each => set.decide(each).verdict !== 'deny');
    this.#known.set(spelled, admitted);
    return admitted;
  }
}

function identity(party: Party): string {
  return isPod(party) ? party.uid : party.address;
}

/** More than one where systems differ in what they call the other side: a node is an address to some, an identity to others. */
function accesses(activity: Activity, side: 'client' | 'server', self: Pod, other: Party): Access[] {
  const { transport, port, request, question, names } = activity;
  const actor = { namespace: self.workload.namespace, labels: self.labels, container: 'main' };
  const isQuestion = question !== null && side === 'client';
  const common = {
    ...{ actor, object: isQuestion ? question.name : '', transport, port, http: request, names },
    operation: isQuestion ? ('DNS' as const) : side === 'client' ? ('CONNECT' as const) : ('ACCEPT' as const),
  };
  return peersOf(other).map(peer => ({ ...common, peer }));
}

function peersOf(party: Party): Peer[] {
  const address = withDefaults('Peer', { type: 'ADDRESS', value: `${party.address}/32` });
  if (nodes.some(node => node.address === party.address))
    return [
      address,
      ...['host', 'remote-node'].map(value => withDefaults('Peer', { type: 'ENTITY', value })),
    ];
  if (!isPod(party)) return [address];
  const { workload, labels } = party;
  const { namespace, kind, name } = workload;
  return [
    { type: 'WORKLOAD', namespace, workloadKind: kind, workload: name, selector: { ...labels }, value: '' },
  ];
}
