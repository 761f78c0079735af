import { setImmediate } from 'node:timers/promises';

/** Lets timers and the network have a turn, so that long work does not cost a membership. */
export const breathe = (): Promise<void> => setImmediate();

/** Does work in slices, and lets others have a turn between them. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await breathe();
  }
}
