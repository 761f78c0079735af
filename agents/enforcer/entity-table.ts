/**
 * What entities.v1 says of the cluster now: the latest record of each object.
 *
 * Owns: the look-ups the enforcer needs (pod by container, pods, services, namespace labels, node addresses).
 * Does not own: identity in the past (pipelines/enrich). Objects of other clusters are left out.
 */

import type { EntityChange, PodContainer, PodProjection, ServiceProjection } from '#schemas';

export interface KnownPod extends PodProjection {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface KnownService extends ServiceProjection {
  readonly namespace: string;
  readonly name: string;
}

export interface PodOfContainer {
  readonly pod: KnownPod;
  readonly container: PodContainer;
}

const metadataName = 'kubernetes.io/metadata.name';

export class EntityTable {
  readonly #cluster: string;
  readonly #objects = new Map<string, EntityChange>();
  readonly #podKeysOfContainer = new Map<string, Set<string>>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Takes one record, or the tombstone of a key. True when anything the look-ups return may differ now. */
  apply(key: string, change: EntityChange | null): boolean {
    if (change && change.cluster !== this.#cluster) return false;
    const before = this.#objects.get(key);
    const isGone = change === null || change.op === 'DELETED';
    if (!before && isGone) return false;
    this.#index(key, before, 'delete');
    if (isGone) {
      this.#objects.delete(key);
    } else {
      this.#objects.set(key, change);
      this.#index(key, change, 'add');
    }
    return true;
  }

  /** The pod a container belongs to; undefined when none or more than one claims it: never a guess. */
  podOfContainer(containerId: string): PodOfContainer | undefined {
    const keys = this.#podKeysOfContainer.get(containerId);
    if (keys?.size !== 1) return undefined;
    const pod = podOf(this.#objects.get([...keys][0]!));
    const container = pod?.containers.find(({ id }) => id === containerId);
    return pod && container && { pod, container };
  }

  /** Pods that are not finished. */
  pods(): KnownPod[] {
    return [...this.#objects.values()]
      .map(podOf)
      .filter(pod => pod !== undefined)
      .filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
  }

  services(): KnownService[] {
    return [...this.#objects.values()].flatMap(({ service, namespace, name }) =>
      service ? [{ ...service, namespace, name }] : [],
    );
  }

  /** With the name label that every namespace carries, whether or not its object is known. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>> {
    const object = this.#objects.get(`${this.#cluster}/Namespace//${namespace}`)?.namespaceObject;
    return { ...object?.labels, [metadataName]: namespace };
  }

  nodeAddresses(node: string): readonly string[] {
    return this.#objects.get(`${this.#cluster}/Node//${node}`)?.node?.addresses ?? [];
  }

  #index(key: string, change: EntityChange | undefined, step: 'add' | 'delete'): void {
    for (const { id } of change?.pod?.containers ?? []) {
      if (id === '') continue;
      const keys = this.#podKeysOfContainer.get(id) ?? new Set();
      keys[step](key);
      if (keys.size > 0) this.#podKeysOfContainer.set(id, keys);
      else this.#podKeysOfContainer.delete(id);
    }
  }
}

function podOf(change: EntityChange | undefined): KnownPod | undefined {
  if (!change?.pod) return undefined;
  return { ...change.pod, namespace: change.namespace, name: change.name, uid: change.uid };
}
