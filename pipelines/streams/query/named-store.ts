import type { Serde } from '#schemas';
import type { StoreSpec } from '../store/store.ts';
import type { Graph } from '../topology/graph.ts';

/** `key-value`: a value per key. `timeline`: entries by time per key (windows, sessions, versions). `other`: not to be queried. */
export type StoreKind = 'key-value' | 'timeline' | 'other';

export interface NamedStore {
  readonly name: string;
  readonly kind: StoreKind;
  readonly subTopology: number;
  readonly changelog: boolean;
  /** Of its keys; null for kind `other`. */
  readonly key: Serde<unknown> | null;
  /**
   * Whether a key is in the partition that its bytes lead to. Not where a step may have put it under another key than the record
   * came with: then it may be anywhere.
   */
  readonly isPlaced: boolean;
  /** Whether its keys are kept in order, so that a range costs no more than what is read of it. */
  readonly isOrdered: boolean;
}

/** The stores of a topology, by name. */
export function namedStores(graph: Graph): readonly NamedStore[] {
  const stores = graph.subTopologies().flatMap(({ index, stores: specs, nodes }) =>
    specs.map((spec): NamedStore => {
      const users = nodes.filter(node => node.stores.includes(spec));
      const { key, kind } = shapeOf(spec);
      return {
        name: spec.name,
        kind,
        subTopology: index,
        changelog: spec.changelog,
        key,
        isOrdered: (spec as { readonly engine?: string }).engine === 'disk',
        isPlaced: users.every(({ keys, parents }) =>
          [keys, ...parents.map(parent => parent.keys)].every(state => state === 'same'),
        ),
      };
    }),
  );
  return stores.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function shapeOf(spec: StoreSpec): Pick<NamedStore, 'key' | 'kind'> {
  const { key } = spec as { readonly key?: Serde<unknown> };
  // What a step keeps for itself says nothing of its keys.
  if (!key) return { key: null, kind: 'other' };
  const isTimeline = 'retentionMs' in spec || 'use' in spec;
  return { key, kind: isTimeline ? 'timeline' : 'key-value' };
}
