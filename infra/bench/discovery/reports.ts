/**
 * What reaches those who learn: each end's report of an activity, in the order of arrival. Some are lost, some come twice, some
 * late.
 */

import { type Activity, isPod, type Party, type Report } from './activity.ts';
import { Seeded } from './seeded.ts';
import { secondUs } from './time.ts';

export interface Disorder {
  /** From 0 to 1. */
  readonly lost: number;
  readonly repeated: number;
  /** Of those, by up to so much. */
  readonly late: number;
  readonly lateUs: number;
}

export const usualDisorder: Disorder = { lost: 0.02, repeated: 0.02, late: 0.05, lateUs: 20 * secondUs };

export class Reports {
  readonly #random: Seeded;
  readonly #disorder: Disorder;
  readonly #sequences = new Map<string, number>();
  lost = 0;

  constructor(seed: number, disorder: Disorder = usualDisorder) {
    this.#random = Seeded.of(seed, 'reports');
    this.#disorder = disorder;
  }

  /** Of activities in order of time; of those in a later call none comes before these by more than `lateUs`. */
  of(activities: readonly Activity[]): Report[] {
    const reports = activities.flatMap(activity => {
      const sides = (['client', 'server'] as const).filter(side => isReporting(activity[side]));
      return sides.flatMap(side => this.#deliver(activity, side));
    });
    return reports.sort((a, b) => a.arrivesUs - b.arrivesUs);
  }

  #deliver(activity: Activity, side: Report['side']): Report[] {
    const { lost, repeated, late, lateUs } = this.#disorder;
    const party = activity[side];
    const node = isPod(party) ? party.node : '';
    const sequence = (this.#sequences.get(node) ?? 0) + 1;
    this.#sequences.set(node, sequence);
    if (this.#random.chance(lost)) {
      this.lost += 1;
      return [];
    }
    const arrives = () =>
      activity.timeUs +
      Math.floor(this.#random.next() * (this.#random.chance(late) ? lateUs : 0.2 * secondUs));
    const report = { activity, side, sequence, arrivesUs: arrives() };
    return this.#random.chance(repeated) ? [report, { ...report, arrivesUs: arrives() }] : [report];
  }
}

/** What uses its node's network is nobody's pod on the wire. */
function isReporting(party: Party): boolean {
  return isPod(party) && !party.workload.hostNetwork;
}
