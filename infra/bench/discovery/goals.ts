/** What Sluice has to reach, and that no peer is better in any column. */

import type { Figures } from './figures.ts';
import type { Run, WindowName } from './measure.ts';

export const ours = 'sluice';
/** Names of what is no peer begin so. */
const isOurs = (name: string) => name.startsWith(ours);

/** At the last window. */
const goals: readonly (readonly [text: string, isReached: (figures: Figures) => boolean])[] = [
  ['coverage of at least 0.999', ({ coverage }) => coverage >= 0.999],
  ['coverage of distinct behaviours of at least 0.999', ({ distinctCoverage }) => distinctCoverage >= 0.999],
  ['over-permission of at most 1.05', ({ overPermission }) => overPermission <= 1.05],
  ['at least 0.99 of attacks blocked', ({ attacksBlocked }) => attacksBlocked >= 0.99],
];

/** How bad a figure is. */
const badness: Readonly<Record<string, (figures: Figures) => number>> = {
  coverage: each => 1 - each.coverage,
  distinctCoverage: each => 1 - each.distinctCoverage,
  falseDenials: each => each.falseDenials,
  precision: each => 1 - each.precision,
  overPermission: each => Math.abs(each.overPermission - 1),
  attacksBlocked: each => 1 - each.attacksBlocked,
  unmeantReach: each => each.unmeantReach,
  rules: each => each.rules,
  bytes: each => each.bytes,
  editsPerHour: each => each.editsPerHour ?? 0,
};

/** Empty: all reached. As good as a peer counts as not worse. */
export function missedGoals({ systems }: Run, last: WindowName, before: WindowName): string[] {
  const mine = systems[ours]!;
  const figures = mine.windows[last]!;
  const missed = goals.filter(([, isReached]) => !isReached(figures)).map(([text]) => text);
  if (!mine.isDeterministic) missed.push('the same policies whatever the order');
  return [...missed, ...worseColumns({ systems }, last, before)];
}

/** Columns in which a peer is better, each with the peer. */
export function worseColumns(
  { systems }: Pick<Run, 'systems'>,
  last: WindowName,
  before: WindowName,
): string[] {
  const mine = systems[ours]!;
  return Object.entries(systems)
    .filter(([name]) => !isOurs(name))
    .flatMap(([name, { windows }]) => {
      const isBetter = (bad: (figures: Figures) => number) => bad(windows[last]!) < bad(mine.windows[last]!);
      const columns = Object.entries(badness).filter(([, bad]) => isBetter(bad));
      // At the last window everybody is like themselves.
      const isSteadier = windows[before]!.jaccard > mine.windows[before]!.jaccard;
      const worse = [...columns.map(([column]) => column), ...(isSteadier ? ['jaccard'] : [])];
      return worse.map(column => `no worse than ${name} in ${column}`);
    });
}
