import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Waiting, WaitingQueue } from './waiting-queue.ts';

const order = (a: Waiting, b: Waiting) => a.timeMs - b.timeMs || Buffer.compare(a.keyBytes, b.keyBytes);

it('has the first that waits in front, whatever was taken out', () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: fc.nat({ max: 9 }), key: fc.nat({ max: 255 }) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ take: fc.constant(true) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), actions => {
      const queue = new WaitingQueue<Waiting>();
      let model: Waiting[] = [];
      for (const each of actions) {
        if ('add' in each) {
          const entry = { timeMs: each.add, keyBytes: Buffer.from([each.key]), waits: true };
          if (model.some(known => order(known, entry) === 0)) continue;
          queue.add(entry);
          model = [...model, entry].sort(order);
        } else {
          const gone = 'take' in each ? queue.first() : model[each.remove % Math.max(1, model.length)];
          if (gone) queue.remove(gone);
          model = model.filter(known => known !== gone);
        }
        expect(queue.first()).toBe(model[0]);
      }
    }),
    { numRuns: 500 },
  );
});
