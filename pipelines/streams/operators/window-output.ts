/** When changes of windows go downstream: each, at checkpoints, or when a window is closed. */

import type { StreamRecord } from '../record.ts';
import type { Windowed } from '../windows/windowed.ts';
import { FinalOutput } from './final-output.ts';
import { HeldBack } from './held-back.ts';
import type { WindowChange, WindowOutput, WindowOutputOptions } from './window-fold.ts';

export function windowOutput<K, A>(options: WindowOutputOptions<K, A>): WindowOutput<K, A> {
  const { when, emit, spec, cacheMaxBytes } = options;
  if (when === 'final') return new FinalOutput(options);
  if (when === 'each')
    return { changed: (cause, change) => emit(recordOf(cause, change)), done: () => {}, settle: () => {} };
  const { key, value } = spec;
  const held = new HeldBack<K, A, StreamRecord<Windowed<K>, A | null>>(
    { key, value, maxBytes: cacheMaxBytes, scope: options.scope },
    emit,
  );
  return {
    changed(cause, change) {
      const record = recordOf(cause, change);
      held.hold({ key: cause.key, ...change }, record);
    },
    done: () => {},
    settle: () => held.release(),
  };
}

function recordOf<K, A>(
  { key, headers, origin }: StreamRecord<K, unknown>,
  { startMs, endMs, value, timestampMs }: WindowChange<A>,
): StreamRecord<Windowed<K>, A | null> {
  return { key: { key, startMs, endMs }, value, timestampMs, headers, origin };
}
