/** Whether a set of rules admits a behaviour. Audited is admitted. */

import type { FlatRule } from '#policy';
import type { Judged } from './access.ts';
import { decideFlat } from './decide-flat.ts';

export type { Judged } from './access.ts';

/** Of rules of documents that are all for the container. */
export function admits(rules: readonly FlatRule[], behaviour: Judged): boolean {
  return decideFlat(rules, behaviour).every(({ verdict }) => verdict !== 'deny');
}
