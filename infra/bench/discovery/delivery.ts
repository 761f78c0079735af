/** Brings reports and changes of entities to those who learn, in the order in which they arrive. */

import type { Activity, Report } from './activity.ts';
import type { Cluster } from './cluster.ts';
import { Reports } from './reports.ts';
import type { Seeded } from './seeded.ts';
import type { Setting } from './setting.ts';
import type { System } from './system.ts';
import { beginningUs, dayUs, secondUs } from './time.ts';

export interface DeliveryOptions {
  readonly untilUs: number;
  /** Absent: in the order of arrival. */
  readonly shuffle?: Seeded;
}

export class Delivery {
  readonly #reports: Iterator<Report>;
  readonly #changes: ReturnType<Cluster['changes']>;
  readonly #source: Reports;
  #next: Report | undefined;
  #changed = 0;
  events = 0;

  constructor(setting: Setting, { untilUs, shuffle }: DeliveryOptions) {
    const { options, cluster, attacks } = setting;
    this.#source = new Reports(options.seed);
    this.#changes = cluster.changes();
    const traffic = setting.traffic();
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
