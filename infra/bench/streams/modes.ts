import type { ContestantSetup } from './setup.ts';

/** What each mode asks of a contestant. `cached` is Kafka Streams' cache of 10 MB, which is also its default. */
export const modes = {
  'at-least-once': { guarantee: 'at-least-once', emit: 'each' },
  'at-least-once-cached': { guarantee: 'at-least-once', emit: 'cached' },
  'exactly-once': { guarantee: 'exactly-once', emit: 'cached' },
} as const satisfies Record<string, Pick<ContestantSetup, 'guarantee' | 'emit'>>;

export type Mode = keyof typeof modes;
export const modeNames = Object.keys(modes) as readonly Mode[];
