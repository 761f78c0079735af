/** The figures as tables, one for each window. */

import { textTable } from '../../../cli/text-table.ts';
import type { Figures } from './figures.ts';
import { type Run, windows } from './measure.ts';

const share = (value: number) => value.toFixed(4);
const few = (value: number) => value.toFixed(2);
const whole = (value: number) => String(Math.round(value));

const columns: readonly (readonly [keyof Figures, (value: number) => string])[] = [
  ['coverage', share],
  ['distinctCoverage', share],
  ['falseDenials', share],
  ['precision', share],
  ['overPermission', few],
  ['attacksBlocked', share],
  ['unmeantReach', few],
  ['rules', whole],
  ['bytes', whole],
  ['editsPerHour', few],
  ['jaccard', few],
  ['unseenMass', share],
];

export function tables({ systems }: Run): string {
  const head = ['', ...columns.map(([name]) => name), 'deterministic'];
  return windows
    .filter(([window]) => Object.values(systems).some(each => each.windows[window]))
    .map(([window]) => {
      const rows = Object.entries(systems).map(([name, { windows: all, isDeterministic }]) => {
        const figures = all[window]!;
        const cells = columns.map(([column, spell]) => {
          const value = figures[column];
          return value === null ? '-' : spell(value);
        });
        return [name, ...cells, isDeterministic ? 'yes' : 'no'];
      });
      return `${window} of event time\n${textTable([head, ...rows])}`;
    })
    .join('\n\n');
}
