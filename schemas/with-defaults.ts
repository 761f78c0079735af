import { builders } from './generated/defaults.ts';
import type { RecordInputs, Records } from './generated/types.ts';

export type RecordName = keyof Records;

const builderOf: { readonly [N in RecordName]: (given: RecordInputs[N]) => Records[N] } = builders;

/**
 * A whole record from the fields that have no default and whichever others are given:
 * `withDefaults('Container', { id })`. Every record of a type has the same fields in the same order. Nothing is
 * validated here; `serialize` does that.
 */
export function withDefaults<N extends RecordName>(record: N, given: RecordInputs[N]): Records[N] {
  return builderOf[record](given);
}
