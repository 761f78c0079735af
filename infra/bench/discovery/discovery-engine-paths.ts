/** How discovery-engine joins paths: by a tree in which a node with too many children of one length keeps a single wildcard. */

const mostChildren = 3;

interface Node {
  readonly children: Map<string, Node>;
  isEnd: boolean;
}

/** Paths, and regular expressions for those that were collapsed. */
export function collapsedPaths(paths: readonly string[]): string[] {
  const root: Node = { children: new Map(), isEnd: false };
  for (const path of paths.toSorted()) {
    let node = root;
    for (const part of path.split('/').slice(1)) {
      const child: Node = node.children.get(part) ?? { children: new Map(), isEnd: false };
      node.children.set(part, child);
      node = child;
    }
    node.isEnd = true;
  }
  return spelledPaths(collapsed(root), '');
}

function collapsed(node: Node): Node {
  const children = [...node.children];
  const names = children.map(([name]) => name);
  const isOne = names.length > mostChildren && names.every(({ length }) => length === names[0]!.length);
  if (!isOne)
    return { ...node, children: new Map(children.map(([name, child]) => [name, collapsed(child)])) };
  const joined: Node = { children: new Map(), isEnd: children.some(([, { isEnd }]) => isEnd) };
  for (const [, child] of children)
    for (const [name, grandchild] of child.children) joined.children.set(name, grandchild);
  const wildcard = names.every(name => /^\d+$/.test(name)) ? '[0-9]+' : '.+';
  return { ...node, children: new Map([[wildcard, collapsed(joined)]]) };
}

function spelledPaths({ children, isEnd }: Node, above: string): string[] {
  const below = [...children].flatMap(([name, child]) => spelledPaths(child, `${above}/${name}`));
  return isEnd ? [above === '' ? '/' : above, ...below] : below;
}
