/**
 * The algorithm of kubescape's network neighbourhoods, as published: from two minutes after a template's first event for a day,
 * then complete; every template begins anew; one rule for each neighbour with its ports; addresses outside as /32.
 */

import type { AnyPolicyObject, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '#policy';
import type { EntityChange } from '#schemas';
import { isPod, type Party, type Report } from './activity.ts';
import { workloadKey } from './application.ts';
import type { Pod } from './pod-lives.ts';
import { LivePods, labelsWithout, type System, type Written } from './system.ts';
import { dayUs, minuteUs } from './time.ts';

const initialDelayUs = 2 * minuteUs;
const longestUs = dayUs;
const dropped = new Set([
  ...[
    'pod-template-hash',
    'controller-revision-hash',
    'pod-template-generation',
    'app.kubernetes.io/instance',
  ],
]);

interface Neighbour {
  readonly peer: NetworkPolicyPeer;
  readonly ports: Map<string, NetworkPolicyPort>;
}

interface Neighbourhood {
  readonly pod: Pod;
  readonly beganUs: number;
  readonly ingress: Map<string, Neighbour>;
  readonly egress: Map<string, Neighbour>;
}

export class Kubescape implements System {
  readonly name = 'kubescape';
  readonly #live: LivePods;
  /** By workload and template. */
  readonly #neighbourhoods = new Map<string, Neighbourhood>();

  constructor(pods: readonly Pod[]) {
    this.#live = new LivePods(pods);
  }

  change(change: EntityChange): void {
    this.#live.change(change);
  }

  take(report: Report): void {
    const { self, side, other, activity, arrivesUs } = this.#live.seen(report);
    // Runs of a job share their template.
    const template = self.workload.kind === 'CronJob' ? '' : self.template;
    const key = `${workloadKey(self.workload)} ${template}`;
    const found = this.#neighbourhoods.get(key);
    const mine = found ?? { pod: self, beganUs: arrivesUs, ingress: new Map(), egress: new Map() };
    if (!found) this.#neighbourhoods.set(key, mine);
    const ageUs = arrivesUs - mine.beganUs;
    if (self.workload.kind !== 'CronJob' && (ageUs < initialDelayUs || ageUs > longestUs)) return;
    const neighbours = side === 'client' ? mine.egress : mine.ingress;
    const peer = peerOf(self, other);
    const identity = JSON.stringify(peer);
    const neighbour = neighbours.get(identity) ?? { peer, ports: new Map() };
    const { transport, port } = activity;
    neighbour.ports.set(`${transport}-${port}`, { protocol: transport as 'TCP', port });
    neighbours.set(identity, neighbour);
  }

  /** Of each workload the neighbourhood of its newest template. */
  written(): Written {
    const newest = new Map<string, Neighbourhood>();
    for (const each of this.#neighbourhoods.values()) {
      const key = workloadKey(each.pod.workload);
      const known = newest.get(key);
      const says = each.ingress.size + each.egress.size > 0;
      if (says && (!known || known.beganUs < each.beganUs)) newest.set(key, each);
    }
    const policies = [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => policyOf(each));
    return { policies, unseenMass: null };
  }
}

function peerOf({ workload }: Pod, other: Party): NetworkPolicyPeer {
  if (!isPod(other)) return { ipBlock: { cidr: `${other.address}/32` } };
  const podSelector = { matchLabels: labelsWithout(other.labels, dropped) };
  const { namespace } = other.workload;
  if (namespace === workload.namespace) return { podSelector };
  return { podSelector, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
}

function policyOf({ pod, ingress, egress }: Neighbourhood): AnyPolicyObject {
  const sorted = (neighbours: ReadonlyMap<string, Neighbour>) =>
    [...neighbours]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { peer, ports }]) => ({
        peer,
        ports: [...ports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port),
      }));
  const { workload, labels } = pod;
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `${workload.kind.toLowerCase()}-${workload.name}`, namespace: workload.namespace },
    spec: {
      podSelector: { matchLabels: labelsWithout(labels, dropped) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: sorted(ingress).map(({ peer, ports }) => ({ from: [peer], ports })),
      egress: sorted(egress).map(({ peer, ports }) => ({ to: [peer], ports })),
    },
  };
  return policy;
}
