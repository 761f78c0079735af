/** A replay beside what is in force, as people read it. */

import type { PolicyComparison } from '../pipelines/verify/replay/index.ts';

export function comparisonText(comparison: readonly PolicyComparison[]): string {
  return comparison
    .flatMap(lines)
    .map(line => `${line}\n`)
    .join('');
}

function lines(each: PolicyComparison): string[] {
  const { policyId, live, replayed, opens, closes, rules } = each;
  const head = `${policyId}: ${headOf(each)}`;
  if (each.agreement !== 'differs' && each.agreement !== 'reworded') return [head];
  return [
    head,
    `  in force ${live!.digest}`,
    `  replayed ${replayed!.digest}`,
    ...opens.map(what => `  opens: ${what}`),
    ...closes.map(what => `  closes: ${what}`),
    ...rules.added.map(rule => `  + ${rule}`),
    ...rules.removed.map(rule => `  - ${rule}`),
  ];
}

function headOf({ agreement, live, replayed }: PolicyComparison): string {
  const inForce = live && `generation ${live.generation}, ${live.stage.toLowerCase()}`;
  switch (agreement) {
    case 'same':
      return `the same as ${inForce} (${replayed!.digest})`;
    case 'reworded':
      return `other documents than ${inForce}, which admit the same as far as was looked at`;
    case 'differs':
      return `differs from ${inForce}`;
    case 'missing':
      return `${inForce}: nothing was learned of it`;
    case 'new':
      return `not in force: learned here (${replayed!.digest})`;
  }
}
