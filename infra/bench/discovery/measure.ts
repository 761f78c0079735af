/**
 * One run: a week of learning, looked at five times; then another week, of which nothing was learned, on which everybody is
 * judged.
 */

import type { Activity, Report } from './activity.ts';
import type { Application } from './application.ts';
import { type ApplicationName, applications } from './applications.ts';
import { Attacks } from './attacks.ts';
import { Cluster } from './cluster.ts';
import { DiscoveryEngine } from './discovery-engine.ts';
import { bytesOf, editsBetween, type Figures, type Judged, jaccard, judged } from './figures.ts';
import { InspektorGadget } from './inspektor-gadget.ts';
import { Kubescape } from './kubescape.ts';
import { misses } from './misses.ts';
import { Ours } from './ours.ts';
import { Reports } from './reports.ts';
import { Seeded } from './seeded.ts';
import type { System } from './system.ts';
import { beginningUs, dayUs, hourUs, minuteUs, secondUs } from './time.ts';
import { Traffic } from './traffic.ts';
import { Truth } from './truth.ts';
import { universe } from './universe.ts';

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

export interface RunOptions {
  readonly seed: number;
  readonly applications: readonly ApplicationName[];
  /** Steady activities of one application on a day, about. */
  readonly perDay: number;
  /** Learning ends with this window. */
  readonly until: WindowName;
  readonly attacks: number;
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

const heldOutDays = 7;
const heldOutShare = 0.2;

/** What a run's options stand for. */
class Setting {
  readonly options: RunOptions;
  readonly applications: readonly Application[];
  readonly cluster: Cluster;
  readonly truth: Truth;
  readonly attacks: Attacks;

  constructor(options: RunOptions) {
    this.options = options;
    this.applications = applications(options.applications);
    this.cluster = new Cluster(this.applications, {
      seed: options.seed,
      startUs: beginningUs,
      days: 7 + heldOutDays,
    });
    this.truth = new Truth(this.applications);
    this.attacks = new Attacks(this.cluster, this.truth, options.seed);
  }

  traffic(): Traffic {
    return new Traffic(this.applications, this.cluster, this.options);
  }

  systems(): System[] {
    const { pods } = this.cluster;
    return [
      new Ours(({ namespace, name }) => this.cluster.serviceAddress(`${namespace}/${name}`)),
      new DiscoveryEngine(pods, { aggregation: true }),
      new DiscoveryEngine(pods, { aggregation: false }),
      new InspektorGadget(pods),
      new Kubescape(pods),
    ];
  }

  /** All of them about the week after the learning, whenever that ended. */
  questions(endUs: number) {
    const { seed, attacks } = this.options;
    const fromUs = beginningUs + 7 * dayUs;
    const traffic = this.traffic();
    const heldOut = Array.from({ length: heldOutDays }, (_, i) => traffic.day(7 + i, heldOutShare)).flat();
    return {
      heldOut,
      attacks: this.attacks.probes(attacks, fromUs, fromUs + heldOutDays * dayUs - hourUs),
      universe: universe({ cluster: this.cluster, truth: this.truth, seed, atUs: Math.max(endUs, fromUs) }),
    };
  }
}

interface DeliveryOptions {
  readonly untilUs: number;
  /** Absent: in the order of arrival. */
  readonly shuffle?: Seeded;
}

/** Brings reports and changes of entities to those who learn, in the order in which they arrive. */
class Delivery {
  readonly #reports: Iterator<Report>;
  readonly #changes: ReturnType<Cluster['changes']>;
  readonly #source: Reports;
  #next: Report | undefined;
  #changed = 0;
  events = 0;

  constructor({ options, cluster, attacks, ...setting }: Setting, { untilUs, shuffle }: DeliveryOptions) {
    this.#source = new Reports(options.seed);
    this.#changes = cluster.changes();
    const traffic = new Traffic(setting.applications, cluster, options);
    this.#reports = reportsUntil(untilUs, {
      day: day => [...traffic.day(day), ...attacks.campaigns(day)].sort((a, b) => a.timeUs - b.timeUs),
      source: this.#source,
      shuffle,
    });
    this.#next = this.#reports.next().value;
  }

  get lost(): number {
    return this.#source.lost;
  }

  /** Everything that arrives before. Returns how many reports that were since the beginning. */
  deliver(systems: readonly System[], beforeUs: number): number {
    for (; this.#next && this.#next.arrivesUs < beforeUs; this.#next = this.#reports.next().value) {
      this.#tell(systems, this.#next.arrivesUs);
      for (const system of systems) system.take(this.#next);
      this.events += 1;
    }
    this.#tell(systems, beforeUs);
    return this.events;
  }

  #tell(systems: readonly System[], atUs: number): void {
    for (; (this.#changes[this.#changed]?.observedAt ?? atUs) < atUs; this.#changed += 1)
      for (const system of systems) system.change(this.#changes[this.#changed]!);
  }
}

interface ReportSource {
  readonly day: (day: number) => readonly Activity[];
  readonly source: Reports;
  readonly shuffle: Seeded | undefined;
}

const shuffledUs = 15 * secondUs;
const repeatedAgain = 0.05;

function* reportsUntil(
  untilUs: number,
  { day, source, shuffle }: ReportSource,
): Generator<Report, undefined> {
  for (let i = 0; beginningUs + i * dayUs < untilUs; i++) {
    const reports = source.of(day(i)).filter(({ arrivesUs }) => arrivesUs < untilUs);
    if (!shuffle) yield* reports;
    else {
      const again = reports.flatMap(each => (shuffle.chance(repeatedAgain) ? [each, each] : [each]));
      // Nothing leaves the day, so that the same is learned by its end.
      const moved = again.map(each => ({
        ...each,
        arrivesUs: Math.min(each.arrivesUs + Math.floor(shuffle.next() * shuffledUs), untilUs - 1),
      }));
      yield* moved.sort((a, b) => a.arrivesUs - b.arrivesUs);
    }
  }
  return undefined;
}
