/**
 * The subscriptions of one task.
 *
 * Owns: connecting a sub-topology's streams, and connecting them anew after an error ended some of them.
 * Does not own: the steps' state, which outlives that (StepInstance), nor what is done about an error (task.ts).
 *
 * Invariants:
 * W1 Every stream is connected once, however many subscribe to it.
 * W2 An error ends in `failure`, never in an exception that RxJS would report by itself, later.
 */

import { Subscriber, type TeardownLogic } from 'rxjs';
import type { SluiceError } from '#errors';
import { type Graph, invalid } from '../topology/graph.ts';
import type { GraphNode } from '../topology/node.ts';
import type { Connect, Wires } from '../topology/wires.ts';
import type { TaskScope } from './scope.ts';
import type { StepInstance } from './step-instance.ts';

export class Wiring implements Wires {
  readonly scope: TaskScope;
  /** Where records of a source enter, by node. */
  readonly entries = new Map<number, Subscriber<never>>();
  readonly instances = new Map<number, StepInstance<never, never>>();
  failure: { readonly error: unknown } | null = null;
  readonly #graph: Graph;
  readonly #nodes: readonly GraphNode[];
  #leaves: Leaf[] = [];
  #joined = new Set<GraphNode>();
  #shared = new Map<GraphNode, FanOut>();
  #connecting: (() => void)[] = [];

  constructor(graph: Graph, nodes: readonly GraphNode[], scope: TaskScope) {
    this.#graph = graph;
    this.#nodes = nodes;
    this.scope = scope;
  }

  /** Connects everything, from the ends backwards. Throws what a step or an operator throws on the way. */
  connect(): void {
    for (const leaf of this.#leaves) leaf.unsubscribe();
    this.entries.clear();
    this.#leaves = [];
    this.#joined = new Set();
    this.#shared = new Map();
    this.#connecting = [];
    this.failure = null;
    this.#graph.wiring = this;
    try {
      for (const node of this.#nodes) if (node.children.length === 0) this.#subscribe(node);
      // A shared stream connects after all have subscribed to it, so that none misses what it emits at once.
      for (let next = this.#connecting.shift(); next; next = this.#connecting.shift()) next();
    } finally {
      this.#graph.wiring = null;
    }
    const failed = this.failure as { readonly error: unknown } | null;
    if (failed) throw failed.error;
  }

  disconnect(): void {
    for (const leaf of this.#leaves) leaf.unsubscribe();
    this.#leaves = [];
  }

  join<T>(node: GraphNode, subscriber: Subscriber<T>, connect: Connect<T>): TeardownLogic {
    const isOnly = node.children.length === 1;
    if (!this.#nodes.includes(node) || (isOnly && this.#joined.has(node))) throw this.#stray(node);
    if (isOnly) {
      this.#joined.add(node);
      return connect(subscriber);
    }
    const shared = this.#shared.get(node) ?? this.#share(node, connect as Connect<unknown>);
    shared.attach(subscriber as Subscriber<unknown>);
    return () => shared.detach(subscriber as Subscriber<unknown>);
  }

  #stray(node: GraphNode): SluiceError {
    return invalid(
      this.#graph.name,
      `#${node.id} ${node.label} is subscribed by an RxJS operator besides its pipe: combine streams with merge() of #streams`,
    );
  }

  #share(node: GraphNode, connect: Connect<unknown>): FanOut {
    const shared = new FanOut();
    this.#shared.set(node, shared);
    this.#connecting.push(() => shared.add(connect(shared)));
    return shared;
  }

  #subscribe(node: GraphNode): void {
    const leaf = new Leaf(this);
    this.#leaves.push(leaf);
    this.#graph.streams.get(node)!.subscribe(leaf);
  }
}

/** The end of a stream: takes everything, keeps the first error. */
class Leaf extends Subscriber<unknown> {
  readonly #wiring: Wiring;

  constructor(wiring: Wiring) {
    super();
    this.#wiring = wiring;
  }

  protected override _next(): void {}

  protected override _error(error: unknown): void {
    this.#wiring.failure ??= { error };
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.unsubscribe();
  }
}

/** One stream for several; in the order in which they subscribed. */
class FanOut extends Subscriber<unknown> {
  #targets: readonly Subscriber<unknown>[] = [];

  attach(target: Subscriber<unknown>): void {
    this.#targets = [...this.#targets, target];
  }

  detach(target: Subscriber<unknown>): void {
    this.#targets = this.#targets.filter(each => each !== target);
    if (this.#targets.length === 0) this.unsubscribe();
  }

  protected override _next(value: unknown): void {
    for (const target of this.#targets) target.next(value);
  }

  protected override _error(error: unknown): void {
    for (const target of this.#targets) target.error(error);
    this.unsubscribe();
  }

  protected override _complete(): void {
    for (const target of this.#targets) target.complete();
    this.unsubscribe();
  }
}
