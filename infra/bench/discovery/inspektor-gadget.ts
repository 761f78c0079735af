/**
 * The algorithm of Inspektor Gadget's network policy advisor, as published: connections by their first packet (of UDP those to
 * ports below 1024), a fixed number of distinct ones, one NetworkPolicy for each set of labels, one rule for each peer and port.
 */

import type { AnyPolicyObject, NetworkPolicy, NetworkPolicyPeer } from '#policy';
import type { EntityChange } from '#schemas';
import { isPod, type Party, type Report } from './activity.ts';
import type { Pod } from './pod-lives.ts';
import { LivePods, labelsWithout, type System, type Written } from './system.ts';

const mapEntries = 10_240;
const privileged = 1024;
const dropped = new Set([
  ...['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'],
  ...[
    'topology.kubernetes.io/zone',
    'topology.kubernetes.io/region',
    'failure-domain.beta.kubernetes.io/zone',
  ],
  'failure-domain.beta.kubernetes.io/region',
]);

interface Rule {
  readonly direction: 'ingress' | 'egress';
  readonly peer: NetworkPolicyPeer;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

export class InspektorGadget implements System {
  readonly name = 'inspektor-gadget';
  readonly #live: LivePods;
  /** By pod's namespace and labels, then by rule. */
  readonly #groups = new Map<string, { readonly pod: Pod; readonly rules: Map<string, Rule> }>();
  /** What the map in the kernel holds. */
  readonly #connections = new Set<string>();

  constructor(pods: readonly Pod[]) {
    this.#live = new LivePods(pods);
  }

  change(change: EntityChange): void {
    this.#live.change(change);
  }

  take(report: Report): void {
    const { self, side, other, activity } = this.#live.seen(report);
    const { transport: protocol, port } = activity;
    if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') return;
    if (protocol === 'UDP' && port >= privileged) return;
    const direction = side === 'client' ? 'egress' : 'ingress';
    const connection = [self.uid, direction, other.address, protocol, port].join(' ');
    if (this.#connections.size >= mapEntries && !this.#connections.has(connection)) return;
    this.#connections.add(connection);
    const labels = labelsWithout(self.labels, dropped);
    const key = `${self.workload.namespace} ${JSON.stringify(labels)}`;
    const group = this.#groups.get(key) ?? { pod: self, rules: new Map() };
    const rule: Rule = { direction, peer: peerOf(self, other), protocol, port };
    group.rules.set(JSON.stringify(rule), rule);
    this.#groups.set(key, group);
  }

  written(): Written {
    const policies = [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, group]) => policyOf(group));
    return { policies, unseenMass: null };
  }
}

function peerOf({ workload }: Pod, other: Party): NetworkPolicyPeer {
  if (!isPod(other)) return { ipBlock: { cidr: `${other.address}/32` } };
  const podSelector = { matchLabels: labelsWithout(other.labels, dropped) };
  const { namespace } = other.workload;
  if (namespace === workload.namespace) return { podSelector };
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, podSelector };
}

function policyOf({
  pod,
  rules,
}: {
  readonly pod: Pod;
  readonly rules: ReadonlyMap<string, Rule>;
}): AnyPolicyObject {
  const sorted = [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
  const of = (direction: Rule['direction']) => sorted.filter(rule => rule.direction === direction);
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${pod.name}-network`, namespace: pod.workload.namespace },
    spec: {
      podSelector: { matchLabels: labelsWithout(pod.labels, dropped) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: of('ingress').map(({ peer, protocol, port }) => ({
        from: [peer],
        ports: [{ protocol, port }],
      })),
      egress: of('egress').map(({ peer, protocol, port }) => ({ to: [peer], ports: [{ protocol, port }] })),
    },
  };
  return policy;
}
