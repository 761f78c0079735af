/**
 * A NetworkPolicy for the pods of a workload: whom they may reach and who may reach them, on which ports.
 *
 * It cannot say requests, names, reserved identities or ICMP. Such a rule is left out and reported: written as what is below
 * it, it would admit more than was seen (docs/discovery.md). `widen` writes it that way nevertheless, and reports that.
 */

import type { NetworkPolicy, NetworkPolicyPeer } from '#policy';
import { documentName } from './document-name.ts';
import type { EmitOptions, Emitted, Ground } from './emitted.ts';
import { nameOf, type PeerRule, portName } from './network-ir.ts';
import type { WorkloadPolicy } from './policy-ir.ts';

/** None when no network activity was seen. One entry per peer and port, so that none is joined with another's port. */
export function emitKubernetes(policy: WorkloadPolicy, options: EmitOptions): Emitted[] {
  const { network, namespace, workloadKind, workload, selector } = policy;
  if (!network) return [];
  if (workloadKind === 'Node') {
    options.lose('whom the node talks to: a NetworkPolicy selects no nodes');
    return [];
  }
  const egress = network.egress.flatMap(rule => sayable('egress', rule, options));
  const ingress = network.ingress.flatMap(rule => sayable('ingress', rule, options));
  const grounds = new Map<string, Ground>();
  const note = (direction: 'egress' | 'ingress', rules: readonly PeerRule[]) => {
    for (const [i, rule] of rules.entries()) {
      const { observed, evidence, peer, admits } = rule;
      const what = `${direction === 'egress' ? 'connects to' : 'accepts'} ${summaryOf(rule)}`;
      // Of a name the addresses are written that were seen.
      const open = peer.type === 'FQDN' ? '' : admits;
      const summary = open ? `${what}; admits ${open}` : what;
      grounds.set(`spec.${direction}[${i}]`, { summary, observed, evidence, admits: open });
    }
  };
  note('egress', egress);
  note('ingress', ingress);
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
      // A type without rules is closed. Kubernetes drops empty lists, and then the document would seem to have drifted.
      ...(egress.length > 0 && {
        egress: egress.map(rule => ({ to: peersOf(rule), ports: portsOf(rule) })),
      }),
      ...(ingress.length > 0 && {
        ingress: ingress.map(rule => ({ from: peersOf(rule), ports: portsOf(rule) })),
      }),
    },
  };
  return [{ object, grounds }];
}

/** The rule, or none; what is left out or admits more is reported. */
function sayable(direction: 'egress' | 'ingress', rule: PeerRule, { lose, widen }: EmitOptions): PeerRule[] {
  const where = `${direction} ${nameOf(rule.peer)}, ${portName(rule)}`;
  const why = inexpressible(rule);
  if (why) {
    lose(`${where}: ${why}`);
    return [];
  }
  if (isWorld(rule.peer)) lose(`${where}: without addresses for private use, which may be pods'`);
  const layer7 = rule.http.length > 0 ? 'requests' : rule.dns.length > 0 ? 'DNS names' : '';
  if (layer7 === '') return [rule];
  lose(
    widen
      ? `${where}: widened: a NetworkPolicy cannot name ${layer7}, so it admits all of them`
      : `${where}: a NetworkPolicy cannot name ${layer7}; left out (a CiliumNetworkPolicy can; with widen all are admitted)`,
  );
  return widen ? [rule] : [];
}

function inexpressible({ peer, transport, addresses }: PeerRule): string {
  if (peer.type === 'ENTITY' && !isWorld(peer)) return `a NetworkPolicy cannot name ${peer.value}`;
  if (peer.type === 'FQDN' && addresses.length === 0) return `a NetworkPolicy cannot name ${peer.value}`;
  return ['TCP', 'UDP', 'SCTP'].includes(transport) ? '' : `a NetworkPolicy cannot name ${transport}`;
}

function isWorld({ type, value }: PeerRule['peer']): boolean {
  return type === 'ENTITY' && value === 'world';
}

/** Addresses for private use may be pods', or nodes'. */
const world: NetworkPolicyPeer[] = [
  {
    ipBlock: {
      cidr: '0.0.0.0/0',
      except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
    },
  },
  { ipBlock: { cidr: '::/0', except: ['fc00::/7', 'fe80::/10'] } },
];

/** The namespace is always named: without it a peer would be looked for in the policy's own. */
function peersOf({ peer, addresses }: PeerRule): NetworkPolicyPeer[] {
  if (isWorld(peer)) return world;
  const { type, namespace, selector, value } = peer;
  if (type === 'FQDN') return addresses.map(cidr => ({ ipBlock: { cidr } }));
  if (type === 'ADDRESS') return [{ ipBlock: { cidr: value } }];
  return [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      podSelector: { matchLabels: { ...selector } },
    },
  ];
}

function portsOf({ transport, port }: PeerRule) {
  return [{ protocol: transport as 'TCP' | 'UDP' | 'SCTP', port }];
}

function summaryOf(rule: PeerRule): string {
  return `${nameOf(rule.peer)}, ${portName(rule)}`;
}
