/** A topology as a Mermaid flowchart. */

import type { Graph, SubTopology } from './graph.ts';
import type { GraphNode } from './node.ts';
import { labelOf, type TopicRef } from './topic-ref.ts';

/**
 * Topics stand between the sub-topologies, each in its frame with its steps; stores are cylinders beside the steps that use them;
 * a dotted frame is a topic that every task reads whole. Deterministic.
 */
export function mermaidGraph(graph: Graph): string {
  const subs = graph.subTopologies();
  const topics = new Map<string, string>();
  const topicId = (label: string) => {
    const id = topics.get(label) ?? `t${topics.size}`;
    topics.set(label, id);
    return id;
  };
  const edges: string[] = [];
  const frames = subs.flatMap(sub => frameLines(sub, { edges, topicId }));
  const globals = graph.globals.flatMap(({ topic }, at) => {
    edges.push(`  ${topicId(topic)} -.-> g${at}`);
    return [`  g${at}[(${quoted(`${topic}\nglobal, whole in every task`)})]`];
  });
  const drawn = [...topics].map(([label, id]) => `  ${id}[/${quoted(label)}/]`);
  return `${['flowchart TB', ...drawn, ...frames, ...globals, ...edges].join('\n')}\n`;
}

interface Drawing {
  readonly edges: string[];
  topicId(label: string): string;
}

function frameLines({ index, nodes, stores }: SubTopology, { edges, topicId }: Drawing): string[] {
  const idOf = (topic: TopicRef) => topicId(labelOf(topic));
  const storeId = (name: string) => `s${index}_${stores.findIndex(store => store.name === name)}`;
  for (const node of nodes) {
    if (node.source) edges.push(`  ${idOf(node.source.topic)} --> n${node.id}`);
    for (const child of node.children) edges.push(`  n${node.id} --> n${child.id}`);
    for (const { name } of node.stores) edges.push(`  n${node.id} --- ${storeId(name)}`);
    if (node.sink) edges.push(`  n${node.id} --> ${idOf(node.sink)}`);
  }
  return [
    `  subgraph sub${index}[${quoted(`sub-topology ${index}`)}]`,
    ...nodes.map(node => `    ${shape(node)}`),
    ...stores.map(({ name, changelog }) => {
      const note = changelog ? 'changelog' : 'no changelog';
      return `    ${storeId(name)}[(${quoted(`${name}\n${note}`)})]`;
    }),
    '  end',
  ];
}

function shape(node: GraphNode): string {
  if (node.source) return `n${node.id}([${quoted('source')}])`;
  if (node.sink) return `n${node.id}([${quoted('sink')}])`;
  return `n${node.id}[${quoted(node.label)}]`;
}

/** As Mermaid reads it: nothing of a name ends the string, begins markup or a directive. */
function quoted(label: string): string {
  const escaped = label.replace(/[^\p{L}\p{N} .,:_/()=+-]/gu, char =>
    char === '\n' ? '<br/>' : `#${char.codePointAt(0)};`,
  );
  return `"${escaped}"`;
}
