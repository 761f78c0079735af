/**
 * The containers of this node: cgroup, identity, labels.
 *
 * Owns: which cgroup id is which container, bound when the pod's entity arrives and kept from then on.
 * Does not own: entities (entity-table.ts), rules (policy-table.ts).
 *
 * A container whose entity has not come yet is observed all the same: its events carry container id and pod uid.
 * A cgroup that is gone is kept for `keepMs`, because its last events are still on their way.
 */

import { type Container, withDefaults } from '#schemas';
import type { CgroupFound } from './cgroup-watch.ts';
import type { EntityTable } from './entity-table.ts';

export interface Scope {
  readonly cgroupId: number;
  readonly path: string;
  readonly container: Container;
  /** The pod's, empty until it is known. */
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly identified: boolean;
}

export class ScopeTable {
  readonly #keepMs: number;
  readonly #scopes = new Map<number, Scope>();
  readonly #gone = new Map<number, { readonly scope: Scope; readonly atMs: number }>();

  constructor({ keepMs = 60_000 }: { readonly keepMs?: number } = {}) {
    this.#keepMs = keepMs;
  }

  get scopes(): readonly Scope[] {
    return [...this.#scopes.values()];
  }

  /** Also finds a scope that is gone, for `keepMs`. */
  get(cgroupId: number): Scope | undefined {
    return this.#scopes.get(cgroupId) ?? this.#gone.get(cgroupId)?.scope;
  }

  add({ cgroupId, path, podUid, containerId }: CgroupFound, entities: EntityTable): Scope {
    const container = withDefaults('Container', { id: containerId, podUid });
    const found = { cgroupId, path, container, labels: {}, addresses: [], identified: false };
    const scope = identified(found, entities) ?? found;
    this.#scopes.set(cgroupId, scope);
    return scope;
  }

  remove(cgroupId: number, nowMs: number): void {
    const scope = this.#scopes.get(cgroupId);
    this.#scopes.delete(cgroupId);
    if (scope) this.#gone.set(cgroupId, { scope, atMs: nowMs });
    for (const [id, { atMs }] of this.#gone) if (nowMs - atMs > this.#keepMs) this.#gone.delete(id);
  }

  /** Binds what the entities now tell; returns the scopes that are other than before. */
  identify(entities: EntityTable): readonly Scope[] {
    const changed: Scope[] = [];
    for (const [cgroupId, scope] of this.#scopes) {
      const next = identified(scope, entities);
      if (!next || sameScope(scope, next)) continue;
      this.#scopes.set(cgroupId, next);
      changed.push(next);
    }
    return changed;
  }
}

function identified(scope: Scope, entities: EntityTable): Scope | undefined {
  const found = entities.podOfContainer(scope.container.id);
  if (!found) return undefined;
  const { pod, container } = found;
  return {
    ...scope,
    container: withDefaults('Container', {
      id: scope.container.id,
      name: container.name,
      image: container.image,
      namespace: pod.namespace,
      pod: pod.name,
      podUid: pod.uid,
      workloadKind: pod.ownerKind || 'Pod',
      workload: pod.owner || pod.name,
    }),
    labels: pod.labels,
    addresses: pod.addresses,
    identified: true,
  };
}

function sameScope(a: Scope, b: Scope): boolean {
  const facts = ({ container, labels, addresses, identified }: Scope) =>
    JSON.stringify([container, Object.entries(labels).sort(), addresses, identified]);
  return facts(a) === facts(b);
}
