/** A NetworkPolicy for the pods of a workload: whom they may reach and who may reach them, on which ports. */

import type { NetworkPolicy, NetworkPolicyPeer } from '#policy';
import type { Peer } from '#schemas';
import { documentName } from './document-name.ts';
import type { Emitted, Ground } from './emitted.ts';
import type { PeerRule, WorkloadPolicy } from './policy-ir.ts';

/** None when no network activity was seen. One entry per peer and port, so that none is joined with another's port. */
export function emitKubernetes(policy: WorkloadPolicy): Emitted[] {
  const { network, namespace, workloadKind, workload, selector } = policy;
  if (!network) return [];
  const grounds = new Map<string, Ground>();
  const note = (direction: 'egress' | 'ingress', rules: readonly PeerRule[]) => {
    for (const [i, rule] of rules.entries()) {
      const summary = `${direction === 'egress' ? 'connects to' : 'accepts'} ${summaryOf(rule)}`;
      grounds.set(`spec.${direction}[${i}]`, { summary, observed: 1, evidence: rule.evidence });
    }
  };
  note('egress', network.egress);
  note('ingress', network.ingress);
  const object: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      name: documentName({ workloadKind, workload }),
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'sluice' },
    },
    spec: {
      podSelector: { matchLabels: { ...selector } },
      policyTypes: ['Egress', 'Ingress'],
      egress: network.egress.map(rule => ({ to: [peerOf(rule.peer)], ports: portsOf(rule) })),
      ingress: network.ingress.map(rule => ({ from: [peerOf(rule.peer)], ports: portsOf(rule) })),
    },
  };
  return [{ object, grounds }];
}

/** The namespace is always named: without it a peer would be looked for in the policy's own. */
function peerOf({ type, namespace, selector, value }: Peer): NetworkPolicyPeer {
  if (type === 'ADDRESS') return { ipBlock: { cidr: value } };
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { ...selector } },
  };
}

function portsOf({ transport, port }: PeerRule) {
  return [{ protocol: transport as 'TCP' | 'UDP' | 'SCTP', port }];
}

function summaryOf({ peer, transport, port }: PeerRule): string {
  const who =
    peer.type === 'ADDRESS' ? peer.value : `${peer.workloadKind} ${peer.namespace}/${peer.workload}`;
  return `${who}, ${transport} port ${port}`;
}
