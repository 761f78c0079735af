import type { Serde } from '#schemas';
import type { StoreSpec } from '../store/store.ts';
import type { SourceSpec } from './source.ts';
import type { TopicRef } from './topic-ref.ts';

/** Whether keys are still those of the topic read: `changed` ones may meet their like in another partition. */
export type KeyState = 'same' | 'kept' | 'changed';

export interface NodeSpec {
  readonly kind: 'source' | 'rxjs' | 'step' | 'merge' | 'sink';
  label: string;
  readonly parents: readonly GraphNode[];
  readonly stores?: readonly StoreSpec[];
  readonly keys?: KeyState;
  readonly source?: SourceSpec;
  readonly sink?: TopicRef;
  /** How a sink writes. */
  readonly serdes?: { readonly key: Serde<unknown>; readonly value: Serde<unknown> };
}

export interface GraphNode extends NodeSpec {
  readonly id: number;
  readonly children: GraphNode[];
  readonly keys: KeyState;
  readonly stores: readonly StoreSpec[];
}
