/** Who is there at a moment, and what the informer tells of it. */

import { type EntityChange, withDefaults } from '#schemas';
import { type Application, type Edge, type Workload, workloadKey } from './application.ts';
import { nodes, type Pod, podLives, type Span } from './pod-lives.ts';
import { Seeded } from './seeded.ts';
import { secondUs } from './time.ts';

export const clusterName = 'bench';

/** A pod is called from two seconds after its start until one before its end. */
const readyUs = 2 * secondUs;
const drainUs = secondUs;

export class Cluster {
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
  readonly #byWorkload: ReadonlyMap<string, readonly Pod[]>;
  readonly #edges: readonly Edge[];
  readonly #span: Span;

  constructor(applications: readonly Application[], span: Span) {
    this.#span = span;
    this.pods = podLives(applications, span);
    this.workloads = applications.flatMap(each => each.workloads);
    this.#edges = applications.flatMap(each => each.edges);
    this.#byWorkload = Map.groupBy(this.pods, ({ workload }) => workloadKey(workload));
  }

  pod(workload: string, atUs: number, random: Seeded): Pod | undefined {
    const there = this.podsAt(workload, atUs);
    return there.length > 0 ? random.pick(there) : undefined;
  }

  podsAt(workload: string, atUs: number): readonly Pod[] {
    return (this.#byWorkload.get(workload) ?? []).filter(
      ({ startUs, endUs }) => startUs + readyUs <= atUs && atUs < endUs - drainUs,
    );
  }

  startedWithin(workload: string, fromUs: number, toUs: number): readonly Pod[] {
    return (this.#byWorkload.get(workload) ?? []).filter(
      ({ startUs }) => fromUs <= startUs && startUs < toUs,
    );
  }

  /** Every workload has a Service of its name. */
  serviceAddress(workload: string): string {
    const index = this.workloads.findIndex(each => workloadKey(each) === workload);
    return `10.96.0.${index + 10}`;
  }

  /** In the order in which they are observed, up to two seconds after they happened. */
  changes(): EntityChange[] {
    const random = Seeded.of(this.#span.seed, 'informer');
    const { startUs } = this.#span;
    const fixed = [
      ...nodes.map(each => nodeChange(each, startUs)),
      ...this.workloads.map(each => workloadChange(each, startUs)),
      ...this.workloads.map(each => this.#serviceChange(each)),
    ];
    const ofPods = this.pods.flatMap(pod => {
      const lag = () => Math.floor((0.1 + 1.8 * random.next()) * secondUs);
      return [podChange(pod, 'ADDED', pod.startUs + lag()), podChange(pod, 'DELETED', pod.endUs + lag())];
    });
    return [...fixed, ...ofPods].sort((a, b) => a.observedAt - b.observedAt);
  }

  #serviceChange(workload: Workload): EntityChange {
    const { namespace, name, labels } = workload;
    const key = workloadKey(workload);
    const served = new Map<string, { transport: Edge['transport']; port: number; targetPort: string }>();
    for (const { to, transport, port, servicePort } of this.#edges)
      if (to.type === 'workload' && workloadKey(to.workload) === key)
        served.set(`${transport} ${servicePort}`, { transport, port: servicePort, targetPort: String(port) });
    if (labels['k8s-app'] === 'kube-dns')
      served.set('UDP 53', { transport: 'UDP', port: 53, targetPort: '53' });
    return withDefaults('EntityChange', {
      ...{
        cluster: clusterName,
        kind: 'Service',
        namespace,
        name,
        uid: `service-${key}`,
        op: 'ADDED',
        cause: 'list',
      },
      observedAt: this.#span.startUs,
      service: withDefaults('ServiceProjection', {
        addresses: [this.serviceAddress(key)],
        selector: { ...labels },
        ports: [...served.values()].map(each => withDefaults('ServicePort', each)),
      }),
    });
  }
}

function nodeChange({ name, address }: (typeof nodes)[number], observedAt: number): EntityChange {
  return withDefaults('EntityChange', {
    ...{
      cluster: clusterName,
      kind: 'Node',
      name,
      uid: `node-${name}`,
      op: 'ADDED',
      cause: 'list',
      observedAt,
    },
    node: withDefaults('NodeProjection', {
      labels: { 'kubernetes.io/hostname': name },
      addresses: [address],
    }),
  });
}

function workloadChange({ namespace, name, kind, labels }: Workload, observedAt: number): EntityChange {
  return withDefaults('EntityChange', {
    ...{
      cluster: clusterName,
      kind,
      namespace,
      name,
      uid: `${kind}-${namespace}-${name}`,
      op: 'ADDED',
      observedAt,
    },
    cause: 'list',
    workload: withDefaults('WorkloadProjection', { selector: { ...labels } }),
  });
}

function podChange(pod: Pod, op: 'ADDED' | 'DELETED', observedAt: number): EntityChange {
  const { workload, name, uid, labels, node, address, startUs, endUs } = pod;
  const isOver = op === 'DELETED';
  return withDefaults('EntityChange', {
    ...{ cluster: clusterName, kind: 'Pod', namespace: workload.namespace, name, uid, op, observedAt },
    pod: withDefaults('PodProjection', {
      ...{
        labels: { ...labels },
        node,
        addresses: [address],
        hostNetwork: workload.hostNetwork,
        phase: 'Running',
      },
      ...{ ownerKind: workload.kind, owner: workload.name, startedAt: startUs },
      containers: [
        withDefaults('PodContainer', {
          ...{ name: 'main', id: `${uid}-main`, image: `${workload.name}:1`, startedAt: startUs },
          finishedAt: isOver ? endUs : null,
        }),
      ],
    }),
  });
}
