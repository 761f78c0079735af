import type { Graph, SubTopology } from './graph.ts';
import type { GraphNode } from './node.ts';
import { labelOf } from './topic-ref.ts';

/** One line a node, `#id what → where to`, by sub-topology; deterministic. */
export function describeGraph(graph: Graph): string {
  const lines = [`topology ${graph.name}`];
  for (const sub of graph.subTopologies()) lines.push(`sub-topology ${sub.index}`, ...nodeLines(sub));
  if (graph.globals.length > 0) lines.push('global');
  for (const { topic } of graph.globals) lines.push(`  every task ← ${topic}`);
  return `${lines.join('\n')}\n`;
}

const nodeLines = (sub: SubTopology) => sub.nodes.map(node => `  #${node.id} ${what(node)}${next(node)}`);

function what(node: GraphNode): string {
  if (node.source) return `source ${labelOf(node.source.topic)}`;
  if (node.sink) return `sink ${labelOf(node.sink)}`;
  const stores = node.stores.map(
    ({ name, changelog }) => ` [store ${name}, ${changelog ? 'changelog' : 'no changelog'}]`,
  );
  return `${node.label}${stores.join('')}${keys(node)}`;
}

/** Only where keys stop being those of the source. */
function keys(node: GraphNode): string {
  const before = node.parents.map(parent => parent.keys);
  if (before.includes(node.keys) || node.keys === 'same') return '';
  return node.keys === 'kept' ? ' (new keys, same partition)' : ' (new keys)';
}

const next = ({ children }: GraphNode) =>
  children.length === 0 ? '' : ` → ${children.map(child => `#${child.id}`).join(', ')}`;
