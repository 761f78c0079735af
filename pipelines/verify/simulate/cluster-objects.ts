/**
 * What policies may ask of the objects in a cluster beside identity: labels of pods, nodes and namespaces; Services.
 *
 * Owns: the last known labels of each pod, by its uid and by its name. Does not own: who had an address when (enrich).
 */

import type { EntityChange, PodProjection } from '#schemas';
import type { KnownService } from '../../discovery/index.ts';
import type { EntityRecord, Labels } from '../../enrich/index.ts';

export interface PodLabels {
  readonly labels: Labels;
  readonly workloadKind: string;
  readonly workload: string;
}

interface Selected {
  readonly cluster: string;
  readonly namespace: string;
  readonly selector: Labels;
}

export class ClusterObjects {
  readonly #byUid = new Map<string, PodLabels>();
  /** By `cluster/namespace`, then by name. */
  readonly #byName = new Map<string, Map<string, PodLabels>>();
  readonly #nodes = new Map<string, Labels>();
  readonly #namespaces = new Map<string, Labels>();
  readonly #services = new Map<string, KnownService>();

  apply({ value }: EntityRecord): void {
    if (value === null) return;
    const { cluster, kind, namespace, name, node, pod, service, namespaceObject } = value;
    if (pod) this.#applyPod(value, pod);
    if (node) this.#nodes.set(`${cluster}/${name}`, node.labels);
    if (namespaceObject) this.#namespaces.set(name, namespaceObject.labels);
    if (service && kind === 'Service') {
      const { labels, selector } = service;
      this.#services.set(`${cluster}/${namespace}/${name}`, {
        namespace,
        name,
        labels,
        selector,
        addresses: [],
      });
    }
  }

  #applyPod(
    { cluster, namespace, name, uid }: EntityChange,
    { labels, ownerKind, owner }: PodProjection,
  ): void {
    const pod = { labels, workloadKind: ownerKind || 'Pod', workload: owner || name };
    const place = `${cluster}/${namespace}`;
    const named = this.#byName.get(place) ?? new Map<string, PodLabels>();
    this.#byName.set(place, named.set(name, pod));
    if (uid !== '') this.#byUid.set(`${cluster}/${uid}`, pod);
  }

  pod({
    cluster,
    namespace,
    pod,
    podUid,
  }: {
    readonly cluster: string;
    readonly namespace: string;
    readonly pod: string;
    readonly podUid: string;
  }): PodLabels | undefined {
    return this.podOf(cluster, podUid) ?? this.#byName.get(`${cluster}/${namespace}`)?.get(pod);
  }

  podOf(cluster: string, uid: string): PodLabels | undefined {
    return this.#byUid.get(`${cluster}/${uid}`);
  }

  node(cluster: string, name: string): Labels | undefined {
    return this.#nodes.get(`${cluster}/${name}`);
  }

  /** What all pods have in common that the selector selects: what is behind a Service; undefined: none is known. */
  behind({ cluster, namespace, selector }: Selected): PodLabels | undefined {
    const wanted = Object.entries(selector);
    const pods = [...(this.#byName.get(`${cluster}/${namespace}`)?.values() ?? [])].filter(({ labels }) =>
      wanted.every(([key, value]) => labels[key] === value),
    );
    const [first] = pods;
    if (!first || wanted.length === 0) return undefined;
    const isOne = pods.every(
      ({ workloadKind, workload }) => workloadKind === first.workloadKind && workload === first.workload,
    );
    const labels = Object.entries(first.labels).filter(([key, value]) =>
      pods.every(each => each.labels[key] === value),
    );
    const { workloadKind, workload } = isOne ? first : { workloadKind: '', workload: '' };
    return { labels: Object.fromEntries(labels), workloadKind, workload };
  }

  get services(): readonly KnownService[] {
    return [...this.#services.values()];
  }

  /** By name. */
  get namespaces(): ReadonlyMap<string, Labels> {
    return this.#namespaces;
  }
}
