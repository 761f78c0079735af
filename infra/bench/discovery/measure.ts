/**
 * One run: a week of learning, looked at five times; then another week, of which nothing was learned, on which everybody is
 * judged.
 */

import { Delivery } from './delivery.ts';
import { bytesOf, editsBetween, type Figures, type Judged, jaccard, judged } from './figures.ts';
import { misses } from './misses.ts';
import { Seeded } from './seeded.ts';
import { Setting, type SettingOptions } from './setting.ts';
import { beginningUs, dayUs, hourUs, minuteUs } from './time.ts';

export const windows = Object.freeze([
  ...([
    ['1m', minuteUs],
    ['10m', 10 * minuteUs],
    ['1h', hourUs],
    ['1d', dayUs],
    ['7d', 7 * dayUs],
  ] as const),
]);
export type WindowName = (typeof windows)[number][0];

export interface RunOptions extends SettingOptions {
  /** Learning ends with this window. */
  readonly until: WindowName;
  /** Called with where each system was wrong at the end; absent: nobody asks. */
  readonly explain?: (system: string, misses: readonly string[]) => void;
  readonly progress: (line: string) => void;
}

export interface SystemFigures {
  readonly windows: Readonly<Partial<Record<WindowName, Figures>>>;
  /** Whether the last policies are the same bytes when what was learned from comes in another order and repeated. */
  readonly isDeterministic: boolean;
}

export interface Run {
  readonly events: number;
  readonly lost: number;
  readonly heldOut: number;
  readonly attacks: number;
  readonly universe: number;
  readonly meant: number;
  readonly systems: Readonly<Record<string, SystemFigures>>;
}

/** Pure but for `progress`: the same options give the same figures. */
export function measure(options: RunOptions): Run {
  const { seed, until, progress } = options;
  const setting = new Setting(options);
  const looked = windows.slice(0, windows.findIndex(([name]) => name === until) + 1);
  const endUs = beginningUs + looked.at(-1)![1];
  const questions = setting.questions(endUs);
  progress(
    `${questions.heldOut.length} activities held out, ${questions.attacks.length} attacks, ${questions.universe.length} elements`,
  );

  const systems = setting.systems();
  const judgements = new Map<string, Judged[]>(systems.map(({ name }) => [name, []]));
  const learning = new Delivery(setting, { untilUs: endUs });
  for (const [name, lengthUs] of looked) {
    const events = learning.deliver(systems, beginningUs + lengthUs);
    for (const system of systems) judgements.get(system.name)!.push(judged(system.written(), questions));
    progress(`${name}: ${events} events`);
  }
  for (const system of systems) options.explain?.(system.name, misses(system.written(), questions));
  const again = setting.systems();
  new Delivery(setting, { untilUs: endUs, shuffle: Seeded.of(seed, 'another order') }).deliver(again, endUs);
  progress('the same in another order');
  return {
    events: learning.events,
    lost: learning.lost,
    heldOut: questions.heldOut.length,
    attacks: questions.attacks.length,
    universe: questions.universe.length,
    meant: questions.universe.filter(({ isMeant }) => isMeant).length,
    systems: Object.fromEntries(
      systems.map((system, i) => [
        system.name,
        {
          windows: figuresOf(judgements.get(system.name)!, looked),
          isDeterministic: bytesOf(system) === bytesOf(again[i]!),
        },
      ]),
    ),
  };
}

function figuresOf(all: readonly Judged[], looked: readonly (typeof windows)[number][]) {
  const last = all.at(-1)!;
  return Object.fromEntries(
    all.map(({ ruleSet, ...figures }, i): [string, Figures] => {
      const [name, lengthUs] = looked[i]!;
      const hours = (lengthUs - (looked[i - 1]?.[1] ?? 0)) / hourUs;
      const before = all[i - 1];
      const editsPerHour = before ? editsBetween(before.ruleSet, ruleSet) / hours : null;
      return [name, { ...figures, editsPerHour, jaccard: jaccard(ruleSet, last.ruleSet) }];
    }),
  );
}
