import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TimeQueue } from './time-queue.ts';

const step = fc.record({
  timeMs: fc.nat({ max: 5 }),
  name: fc.constantFrom('a', 'b', 'c'),
  removes: fc.option(fc.nat(), { nil: undefined }),
});

it('a queue is always in order, whatever came late or was taken out of it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), steps => {
      const queue = new TimeQueue<number>();
      const model: { timeMs: number; name: string; item: number; leave: () => void }[] = [];
      steps.forEach(({ timeMs, name, removes }, item) => {
        const { leave } = queue.add({ timeMs, bytes: Buffer.from(name), item });
        model.push({ timeMs, name, item, leave });
        if (removes === undefined) return;
        const [gone] = model.splice(removes % model.length, 1);
        gone!.leave();
        gone!.leave();
      });
      const sorted = model.toSorted(
        (a, b) => a.timeMs - b.timeMs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
      );
      expect([...queue].map(({ item }) => item)).toEqual(sorted.map(({ item }) => item));
    }),
    { numRuns: 200 },
  );
});
