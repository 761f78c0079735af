/** Evidence of one thing: see evidence-rows.ts for what is kept of the events. */

import type { Evidence } from '../generated/types.ts';
import { EvidenceRows, type Sighting } from './evidence-rows.ts';

/** Evidence that grows in place. */
export class GrowingEvidence {
  readonly #rows = new EvidenceRows();

  constructor() {
    this.#rows.push();
  }

  add(sighting: Sighting): void {
    this.#rows.add(0, sighting);
  }

  join(record: Evidence): void {
    this.#rows.join(0, record);
  }

  record(): Evidence {
    return this.#rows.record(0);
  }
}

/** The evidence of several behaviours as one; null of none. */
export function joinEvidence(records: Iterable<Evidence>): Evidence | null {
  let all: GrowingEvidence | null = null;
  for (const record of records) {
    all ??= new GrowingEvidence();
    all.join(record);
  }
  return all?.record() ?? null;
}
