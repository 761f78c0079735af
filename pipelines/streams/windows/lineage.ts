/** Which windows the keys of a stream are of: what a step further down must know to tell when they close. */

import { invalid } from '../topology/graph.ts';
import type { GraphNode } from '../topology/node.ts';
import type { Windows } from './windows.ts';

const windowsAt = new WeakMap<GraphNode, Windows>();

export function noteWindows(node: GraphNode, windows: Windows): void {
  windowsAt.set(node, windows);
}

/** The windows that come to a node. Errors: CONFIG_INVALID, where no step before it makes any. */
export function windowsBefore(node: GraphNode, topology: string, step: string): readonly Windows[] {
  const found = search(node);
  if (found.length > 0) return found;
  throw invalid(
    topology,
    `${step} waits for windows to close, and no step before it makes windows: put it after windowedAggregate, windowedCount or windowedReduce, or give it a timeLimitMs`,
  );
}

function search(node: GraphNode): readonly Windows[] {
  const windows = windowsAt.get(node);
  return windows ? [windows] : node.parents.flatMap(search);
}
