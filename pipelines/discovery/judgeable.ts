/** What the evaluator would misjudge is refused (I11): what decides is in no event. */

import { SluiceError } from '#errors';
import type { CiliumRule, FlatRule } from '#policy';

/** The rules, all of them such as can be judged. Errors: POLICY_INVALID naming every place that cannot. `document` names theirs. */
export function judgeable<R extends FlatRule | CiliumRule>(
  rules: readonly R[],
  document: string,
): readonly R[] {
  const refusals = rules.flatMap(rule => {
    const why = unjudgeable(rule);
    return why === undefined ? [] : [`${rule.at}: ${why}`];
  });
  if (refusals.length === 0) return rules;
  const all = [...new Set(refusals)].join('; ');
  throw new SluiceError('POLICY_INVALID', `${document} cannot be judged by what events tell: ${all}`);
}

function unjudgeable({ action, match }: FlatRule | CiliumRule): string | undefined {
  if ('pts' in match && match.pts !== null) return 'pts depends on the terminal; leave it out';
  switch (match.type) {
    case 'path':
    case 'execname':
      return match.allowedArgs ? 'allowedArgs depend on arguments; leave them out' : undefined;
    case 'pattern':
      return isGlob(match.pattern) ? undefined : 'the pattern is none: close its brackets';
    case 'syscall':
      return match.path === null ? undefined : 'a path of system calls is not told; name the calls alone';
    case 'preset':
    case 'apparmor':
      return `${match.type} is not told in events; write it as rules`;
    case 'cilium':
      return action === 'Block' && match.peer.type === 'nodes' && Object.keys(match.peer.selector).length > 0
        ? 'labels of nodes are not told of peers; deny them by address or as remote-node'
        : undefined;
    default:
      return undefined;
  }
}

/** Whether brackets and braces are closed. */
function isGlob(pattern: string): boolean {
  const plain = pattern
    .replaceAll(/\\./g, '')
    .replaceAll(/\[[^\]]+\]/g, '')
    .replaceAll(/\{[^{}]*\}/g, '');
  return !/[[\]{}]/.test(plain);
}
