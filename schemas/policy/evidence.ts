/** Evidence of one thing: see evidence-rows.ts for what is kept of the events. */

import type { Evidence } from '../generated/types.ts';
import { EvidenceRows, type Sighting } from './evidence-rows.ts';

/** Of a policy each rule is joined: one block of memory for all of them. */
const joining = new EvidenceRows();

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
  const all = [...records];
  if (all.length === 0) return null;
  joining.clear();
  const row = joining.push();
  for (const record of all) joining.join(row, record);
  return joining.record(row);
}
