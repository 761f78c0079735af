/** Which windows the keys of a stream are of: what a step further down must know to tell when they close. */

import { invalid } from '../topology/graph.ts';
import type { GraphNode } from '../topology/node.ts';
import { closesAfterMs, type Windows } from './windows.ts';

const windowsAt = new WeakMap<GraphNode, Windows>();

export function noteWindows(node: GraphNode, windows: Windows): void {
  windowsAt.set(node, windows);
}

/**
 * How long after its end the last of the windows that come to a node is closed. Errors: CONFIG_INVALID, where no step before it
 * makes windows.
 */
export function closingAt(node: GraphNode, topology: string, step: string): number {
  const found = search(node);
  if (found >= 0) return found;
  throw invalid(
    topology,
    `${step} waits for windows to close, and no step before it makes windows: put it after windowedAggregate, windowedCount or windowedReduce, or give it a timeLimitMs`,
  );
}

function search(node: GraphNode): number {
  const windows = windowsAt.get(node);
  if (windows) return closesAfterMs(windows);
  return Math.max(-1, ...node.parents.map(search));
}
