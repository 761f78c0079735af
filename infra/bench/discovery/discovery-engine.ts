/**
 * discovery-engine's published network algorithm (Kunerva; the code of its repository until July 2022): flows by destination,
 * sources and destinations joined by every set of labels that two of them share, ports merged, HTTP paths collapsed where more
 * than three siblings have names of one length; one CiliumNetworkPolicy for each source and destination, and its mirror.
 *
 * `aggregation` off is what was shipped, on is what was published.
 */

import type { AnyPolicyObject, CiliumPolicy, CiliumSpec } from '#policy';
import { hashOf } from '#policy';
import type { EntityChange, HttpRequest } from '#schemas';
import { isPod, type Party, type Report } from './activity.ts';
import { collapsedPaths } from './discovery-engine-paths.ts';
import { dnsServer } from './name-lookups.ts';
import { nodes, type Pod } from './pod-lives.ts';
import { LivePods, labelsWithout, type System, type Written } from './system.ts';

const dropped = new Set([
  ...[
    'pod-template-hash',
    'controller-revision-hash',
    'statefulset.kubernetes.io/pod-name',
    'controller-uid',
  ],
]);

/** A pod by its labels, or what is none: a name, a reserved identity. */
interface Place {
  readonly namespace: string;
  /** `key=value` each, sorted; empty: no pod. */
  readonly labels: readonly string[];
  readonly name: string;
  readonly entity: string;
}

interface Flow {
  readonly source: Place;
  readonly destination: Place;
  readonly protocol: string;
  readonly port: number;
  /** By method and path. */
  readonly requests: Map<string, HttpRequest>;
}

export class DiscoveryEngine implements System {
  readonly name: string;
  readonly #aggregation: boolean;
  readonly #live: LivePods;
  readonly #flows = new Map<string, Flow>();
  readonly #nameOf = new Map<string, string>();
  readonly #dnsLabels: readonly string[];

  constructor(pods: readonly Pod[], { aggregation }: { readonly aggregation: boolean }) {
    this.name = aggregation ? 'discovery-engine' : 'discovery-engine (as shipped)';
    this.#aggregation = aggregation;
    this.#live = new LivePods(pods);
    const dns = pods.find(({ workload }) => `${workload.namespace}/${workload.name}` === dnsServer);
    this.#dnsLabels = dns ? labelsOf(dns) : [];
  }

  change(change: EntityChange): void {
    this.#live.change(change);
  }

  take(report: Report): void {
    const { self, side, other, activity } = this.#live.seen(report);
    const { nature, transport: protocol, port, request, question } = activity;
    if (nature === 'denied') return;
    if (question) for (const address of question.addresses) this.#nameOf.set(address, question.name);
    const [here, there] = [podPlace(self), this.#place(other, side)];
    const [source, destination] = side === 'client' ? [here, there] : [there, here];
    const key = JSON.stringify([source, destination, protocol, port]);
    const begun = { source, destination, protocol, port, requests: new Map<string, HttpRequest>() };
    const flow = this.#flows.get(key) ?? begun;
    this.#flows.set(key, flow);
    if (request) flow.requests.set(`${request.method} ${request.path}`, request);
  }

  #place(party: Party, side: Report['side']): Place {
    if (isPod(party)) return podPlace(party);
    const nowhere = { namespace: '', labels: [] };
    if (nodes.some(({ address }) => address === party.address))
      return { ...nowhere, name: '', entity: 'remote-node' };
    const name = side === 'client' ? this.#nameOf.get(party.address) : undefined;
    return name ? { ...nowhere, name, entity: '' } : { ...nowhere, name: '', entity: 'world' };
  }

  written(): Written {
    let flows = [...this.#flows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, flow]) => flow);
    if (this.#aggregation) flows = joinedBy(joinedBy(flows, 'source'), 'destination');
    const merged = Map.groupBy(flows, ({ source, destination }) => JSON.stringify([source, destination]));
    const policies = [...merged.values()].flatMap(each => this.#policiesOf(each));
    return { policies, unseenMass: null };
  }

  #policiesOf(flows: readonly Flow[]): AnyPolicyObject[] {
    const { source, destination } = flows[0]!;
    const ports = toPorts(flows);
    const egress = { ...peerOf(destination, 'to'), toPorts: ports };
    const dns = {
      ...peerOf({ ...noPlace, namespace: 'platform', labels: this.#dnsLabels }, 'to'),
      toPorts: dnsPorts,
    };
    return [
      ...(source.labels.length > 0
        ? [policy(source, { egress: destination.name ? [egress, dns] : [egress] }, [destination, 'egress'])]
        : []),
      ...(destination.labels.length > 0
        ? [
            policy(destination, { ingress: [{ ...peerOf(source, 'from'), toPorts: ports }] }, [
              source,
              'ingress',
            ]),
          ]
        : []),
    ];
  }
}

const noPlace: Place = { namespace: '', labels: [], name: '', entity: '' };
const dnsPorts = [
  { ports: [{ port: '53', protocol: 'UDP' as const }], rules: { dns: [{ matchPattern: '*' }] } },
];

function labelsOf(pod: Pod): string[] {
  return Object.entries(labelsWithout(pod.labels, dropped)).map(([key, value]) => `${key}=${value}`);
}

function podPlace(pod: Pod): Place {
  return { ...noPlace, namespace: pod.workload.namespace, labels: labelsOf(pod) };
}

/**
 * Sets of labels that two ends or more share replace those ends, the most frequent first and of equals the larger, within flows
 * that are the same at the other end.
 */
function joinedBy(flows: readonly Flow[], side: 'source' | 'destination'): Flow[] {
  const other = side === 'source' ? 'destination' : 'source';
  // Destinations are joined whatever their ports: those are united.
  const alike = (flow: Flow) =>
    JSON.stringify([
      flow[other],
      flow[side].namespace,
      ...(side === 'source' ? [flow.protocol, flow.port] : []),
    ]);
  return [...Map.groupBy(flows, alike).values()].flatMap(group => {
    const free = group.filter(flow => flow[side].labels.length > 0);
    const rest = group.filter(flow => flow[side].labels.length === 0);
    const joined: Flow[] = [];
    let open = free;
    for (const labels of sharedSubsets(free.map(flow => flow[side].labels))) {
      const covered = open.filter(flow => labels.every(label => flow[side].labels.includes(label)));
      const ends = new Set(covered.map(flow => flow[side].labels.join()));
      if (ends.size < 2) continue;
      open = open.filter(flow => !covered.includes(flow));
      joined.push(...covered.map(flow => ({ ...flow, [side]: { ...flow[side], labels } })));
    }
    return [...rest, ...open, ...joined];
  });
}

/** Every subset that two of the ends hold, most frequent first; a hundredth for each label breaks ties. */
function sharedSubsets(ends: readonly (readonly string[])[]): string[][] {
  const counts = new Map<string, { readonly labels: string[]; count: number }>();
  for (const labels of new Map(ends.map(each => [each.join(), each])).values()) {
    for (let chosen = 1; chosen < 1 << labels.length; chosen++) {
      const subset = labels.filter((_, i) => chosen & (1 << i));
      const known = counts.get(subset.join()) ?? { labels: subset, count: 0 };
      known.count += 1;
      counts.set(subset.join(), known);
    }
  }
  const score = ({ labels, count }: { readonly labels: string[]; readonly count: number }) =>
    count + labels.length / 100;
  return [...counts.values()]
    .filter(({ count }) => count >= 2)
    .sort((a, b) => score(b) - score(a) || (a.labels.join() < b.labels.join() ? -1 : 1))
    .map(({ labels }) => labels);
}

type Ports = NonNullable<NonNullable<CiliumSpec['egress']>[number]['toPorts']>;

function toPorts(flows: readonly Flow[]): Ports {
  const byPort = Map.groupBy(flows, ({ protocol, port }) => `${protocol} ${port}`);
  return [...byPort.values()].map(each => {
    const { protocol, port } = each[0]!;
    const requests = each
      .flatMap(flow => [...flow.requests.values()])
      .sort((a, b) => (a.method < b.method ? -1 : 1));
    const ports = [{ port: String(port), protocol: protocol as 'TCP' }];
    if (requests.length === 0) return { ports };
    const byMethod = Map.groupBy(requests, ({ method }) => method);
    const http = [...byMethod].flatMap(([method, mine]) =>
      collapsedPaths(mine.map(({ path }) => path)).map(path => ({ method, path })),
    );
    return { ports, rules: { http } };
  });
}

function peerOf({ namespace, labels, name, entity }: Place, side: 'to' | 'from') {
  if (name) return { toFQDNs: [{ matchName: name }] };
  if (entity) return { [`${side}Entities`]: [entity] };
  return {
    [`${side}Endpoints`]: [
      { matchLabels: { ...matchLabels(labels), 'k8s:io.kubernetes.pod.namespace': namespace } },
    ],
  };
}

function matchLabels(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    labels.map(label => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]),
  );
}

function policy({ namespace, labels }: Place, rules: Partial<CiliumSpec>, named: unknown): CiliumPolicy {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: `autopol-${hashOf([labels, named]).slice(0, 12)}`, namespace },
    spec: { endpointSelector: { matchLabels: matchLabels(labels) }, ...rules },
  };
}
