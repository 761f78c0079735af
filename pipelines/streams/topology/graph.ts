/**
 * What a topology consists of, before anything runs.
 *
 * Owns: nodes, their lineage, the stores they use, how they fall into sub-topologies. Does not own: subscriptions (task/wiring.ts).
 *
 * Invariants:
 * G1 Ids grow from source to sink: a node's parents have smaller ids than itself.
 * G2 Two nodes that share a store or an edge are in the same sub-topology; a topic between them parts them.
 */

import type { Observable } from 'rxjs';
import { SluiceError } from '#errors';
import type { GlobalSpec } from '../store/global.ts';
import type { StoreSpec } from '../store/store.ts';
import type { TableSpec } from '../table/lookup.ts';
import type { GraphNode, NodeSpec } from './node.ts';
import type { SourceSpec } from './source.ts';
import { isTopicPart } from './topic-ref.ts';
import type { Wires } from './wires.ts';

export interface SubTopology {
  readonly index: number;
  readonly nodes: readonly GraphNode[];
  readonly sources: readonly SourceSpec[];
  readonly stores: readonly StoreSpec[];
}

export class Graph {
  readonly name: string;
  readonly nodes: GraphNode[] = [];
  readonly globals: GlobalSpec[] = [];
  readonly streams = new Map<GraphNode, Observable<unknown>>();
  /** How the streams of changes that are tables are read. */
  readonly tables = new Map<GraphNode, TableSpec>();
  /** The task being wired, while it is. */
  wiring: Wires | null = null;

  constructor(name: string) {
    if (!isTopicPart(name)) throw invalid(name, 'a name has letters, digits, dot, dash and underscore only');
    this.name = name;
  }

  add(spec: NodeSpec): GraphNode {
    const inherited = spec.parents.map(parent => parent.keys);
    const worst = inherited.includes('changed') ? 'changed' : inherited.includes('kept') ? 'kept' : 'same';
    const node: GraphNode = {
      ...spec,
      id: this.nodes.length,
      children: [],
      keys: spec.keys === undefined || spec.keys === 'same' ? worst : spec.keys,
      stores: spec.stores ?? [],
    };
    this.#checkStores(node);
    for (const parent of spec.parents) parent.children.push(node);
    this.nodes.push(node);
    return node;
  }

  /** Errors: CONFIG_INVALID, where `step` needs records of one key in one partition and they may not be. */
  requireKeys(parents: readonly GraphNode[], step: string): void {
    const moved = parents.find(parent => parent.keys === 'changed');
    if (!moved) return;
    throw invalid(
      this.name,
      `the key may have changed before ${step}: give it \`repartition\` with the serdes of its input, or, where records of one new key are always in one partition already, say partitioning: 'kept' where the key changes`,
    );
  }

  subTopologies(): readonly SubTopology[] {
    const groups = new Map<GraphNode, GraphNode[]>();
    const root = this.#roots();
    for (const node of this.nodes) {
      const group = groups.get(root(node));
      if (group) group.push(node);
      else groups.set(root(node), [node]);
    }
    return [...groups.values()].map((nodes, index) => ({
      index,
      nodes,
      sources: nodes.flatMap(node => node.source ?? []),
      stores: [...new Set(nodes.flatMap(node => node.stores))].sort((a, b) => (a.name < b.name ? -1 : 1)),
    }));
  }

  #roots(): (node: GraphNode) => GraphNode {
    const up = new Map<GraphNode, GraphNode>();
    const root = (node: GraphNode): GraphNode => {
      const above = up.get(node);
      return above ? root(above) : node;
    };
    const unite = (a: GraphNode, b: GraphNode) => {
      const [low, high] = [root(a), root(b)].sort((x, y) => x.id - y.id) as [GraphNode, GraphNode];
      if (low !== high) up.set(high, low);
    };
    const users = new Map<string, GraphNode>();
    for (const node of this.nodes) {
      for (const parent of node.parents) unite(parent, node);
      for (const store of node.stores) {
        const user = users.get(store.name);
        if (user) unite(user, node);
        else users.set(store.name, node);
      }
    }
    return root;
  }

  #checkStores(node: GraphNode): void {
    for (const store of node.stores) {
      const same = this.nodes.flatMap(each => each.stores).find(each => each.name === store.name);
      if (same && same !== store)
        throw invalid(this.name, `two stores are called ${store.name}: share one spec, or rename one`);
    }
  }
}

export function invalid(topology: string, message: string): SluiceError {
  return new SluiceError('CONFIG_INVALID', `topology ${topology}: ${message}`);
}
