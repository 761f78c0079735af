/**
 * Which flows an event tells of, between whom.
 *
 * Owns: what counts as a flow, which end is the source. Does not own: whose the event is and who the peer is (enrich).
 */

import type { FlowAggregate, Peer, Verdict } from '#schemas';
import type { Attributed } from '../enrich/index.ts';

export interface Told {
  readonly verdict: Verdict;
  /** How many flows the event stands for. */
  readonly times: number;
}

/** A flow before it has a window. */
export type Flow = Omit<FlowAggregate, 'windowStart' | 'windowEnd'>;

/** Empty: sockets, bound ports and what stays within a pod are no flows, and requests are on connections that were told as well. */
export function flowsOf({ identity, observed }: Attributed, { verdict, times }: Told): Flow[] {
  const self = workloadPeer(identity);
  return observed.flatMap(({ operation, transport, port, peer, http }): Flow[] => {
    if (peer === null || http !== null || isSelf(peer)) return [];
    const about = { cluster: identity.cluster, transport, port, verdict, flows: times, bytes: 0 };
    if (operation === 'CONNECT' || operation === 'SEND')
      return [{ ...about, source: self, destination: peer, reporter: 'SOURCE' }];
    return operation === 'ACCEPT'
      ? [{ ...about, source: peer, destination: self, reporter: 'DESTINATION' }]
      : [];
  });
}

/** Text that flows have in common which are counted together. What selects a workload may change, who it is does not. */
export function flowIdentity({
  cluster,
  source,
  destination,
  transport,
  port,
  verdict,
  reporter,
}: Flow): string {
  return JSON.stringify([cluster, nameOf(source), nameOf(destination), transport, port, verdict, reporter]);
}

function nameOf({ type, namespace, workloadKind, workload, value }: Peer): readonly string[] {
  return [type, namespace, workloadKind, workload, value];
}

function isSelf({ type, value }: Peer): boolean {
  return type === 'ENTITY' && value === 'self';
}

function workloadPeer({ namespace, workloadKind, workload }: Attributed['identity']): Peer {
  return { type: 'WORKLOAD', namespace, workloadKind, workload, selector: {}, value: '' };
}
