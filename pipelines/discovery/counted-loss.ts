/**
 * What was lost before it could be learned, as the agents' books count it.
 *
 * Agents count by node, not by workload: the events of a workload are taken to have been lost at the rate of the nodes on
 * which it was seen.
 */

import type { AgentHealth, BehaviourProfile } from '#schemas';

/** Agents keep telling their books every few seconds: who has told none for so long says nothing of what is lost now. */
export const booksKeptMs = 3_600_000;

interface Books {
  readonly emitted: number;
  readonly dropped: number;
}

/** The last books of each agent in agents.health.v1. */
export class CountedLoss {
  readonly #books = new Map<string, Books & { readonly place: string }>();

  apply({ key, value }: { readonly key: string; readonly value: AgentHealth | null }): void {
    if (value === null) {
      this.#books.delete(key);
      return;
    }
    const dropped = Object.values(value.dropped).reduce((sum, count) => sum + count, 0);
    this.#books.set(key, { emitted: value.emitted, dropped, place: placeOf(value) });
  }

  /** How many events of the workload were lost, as far as it can be told from the samples of its evidence. */
  lostOf(profiles: readonly BehaviourProfile[]): number {
    if (this.#books.size === 0) return 0;
    const places = new Set<string>();
    let events = 0;
    for (const { behaviours } of profiles) {
      for (const { evidence } of behaviours) {
        events += evidence.count;
        for (const { origin } of evidence.samples) places.add(placeOf(origin));
      }
    }
    const concerned = [...this.#books.values()].filter(({ place }) => places.has(place));
    const sum = (of: (books: Books) => number) => concerned.reduce((total, each) => total + of(each), 0);
    const [emitted, dropped] = [sum(each => each.emitted), sum(each => each.dropped)];
    const kept = emitted - dropped;
    return kept > 0 ? Math.round((events * dropped) / kept) : dropped;
  }
}

function placeOf({ cluster, node }: { readonly cluster: string; readonly node: string }): string {
  return `${cluster}/${node}`;
}
