import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonSerde, textSerde } from '#schemas';
import { aggregateTable, countTable, groupTable, keyValueStore, topology } from '../index.ts';
import { batchesOf, runBatches, type Step } from '../table/crash.ts';

const text = { key: textSerde, value: textSerde };
const numberSerde = jsonSerde<number>();
const numbers = (name: string) => keyValueStore({ name, key: textSerde, value: numberSerde });

/** Values are `group` and a number. */
const grouped = () =>
  topology('t', b => {
    const groups = b
      .table('in', text)
      .pipe(groupTable((_, value) => [value[0]!, value.slice(1)], { name: 'groups', ...text }));
    groups.pipe(countTable({ store: numbers('counts') }));
    groups.pipe(
      aggregateTable<string, string, number>({
        store: numbers('sums'),
        initial: () => 0,
        add: (sum, value) => sum + Number(value),
        subtract: (sum, value) => sum - Number(value),
      }),
    );
  });

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    topic: fc.constant('in'),
    key: fc.constantFrom('1', '2', '3', '4'),
    value: fc.option(fc.constantFrom('g1', 'g2', 'h1', 'h3', 'i5'), { freq: 4 }),
    timestampMs: fc.nat({ max: 20 }),
  }),
  { maxLength: 12 },
);

/** Where a crash is before or after a checkpoint; within one, what was sent through the topic of the groups is sent again. */
const whole = ['before-produce', 'after-commit'] as const;

it('groups are the fold of the members they have, in any checkpoints', () => {
  fc.assert(
    fc.property(batchesOf(steps, whole), batches => {
      const driver = runBatches(grouped(), batches, 2);
      driver.commit();
      const all = <V>(name: string) =>
        [0, 1].flatMap(partition => [...driver.store<string, V>(name, partition).all()]);
      const members = all<string>('in').map(([, value]) => value);
      for (const group of ['g', 'h', 'i']) {
        const of = members.filter(value => value[0] === group).map(value => Number(value.slice(1)));
        expect(new Map(all<number>('counts')).get(group) ?? 0).toBe(of.length);
        expect(new Map(all<number>('sums')).get(group) ?? 0).toBe(of.reduce((sum, each) => sum + each, 0));
      }
    }),
    { numRuns: 200 },
  );
});
