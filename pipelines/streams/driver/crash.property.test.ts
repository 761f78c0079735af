import fc from 'fast-check';
import { filter, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { jsonSerde, textSerde } from '#schemas';
import {
  type AutoCommit,
  count,
  crashPoints,
  keyValueStore,
  reduce,
  type TestDriver,
  testDriver,
  to,
  topology,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const json = jsonSerde<number>();

/** Two stores in one sub-topology, one changed by every record and one by some; outputs per record and per checkpoint. */
const underTest = () =>
  topology('torn', b => {
    const input = b.source('in', text);
    const counts = keyValueStore({ name: 'counts', key: textSerde, value: json });
    input.pipe(count({ store: counts }), to('counts', { key: textSerde, value: json }));
    const words = keyValueStore({ name: 'words', ...text });
    const vowels = input.pipe(filter(record => 'aeiou'.includes(record.value)));
    vowels.pipe(reduce({ store: words, add: (a, c) => a + c }), to('words', text));
    const lastCounts = keyValueStore({ name: 'later', key: textSerde, value: json });
    input.pipe(
      count({ store: lastCounts, emit: 'checkpoint' }),
      map(record => record),
      to('later', { key: textSerde, value: json }),
    );
  });

type Input = readonly { readonly key: string; readonly value: string }[];
const input: fc.Arbitrary<Input> = fc.array(
  fc.record({ key: fc.constantFrom('p', 'q', 'r', 's'), value: fc.constantFrom('a', 'b', 'c', 'e') }),
  { maxLength: 6 },
);
const crash = fc.record({
  point: fc.constantFrom(...crashPoints),
  survivors: fc.infiniteStream(fc.boolean()),
});
const rounds = fc.array(
  fc.record({
    input,
    crashes: fc.array(crash, { maxLength: 3 }),
    autoCommit: fc.infiniteStream(fc.constantFrom<AutoCommit>(false, true, 1, 2)),
  }),
  { minLength: 1, maxLength: 6 },
);

function fold(all: Input) {
  const counts = new Map<string, number>();
  const words = new Map<string, string>();
  for (const { key, value } of all) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if ('aeiou'.includes(value)) words.set(key, (words.get(key) ?? '') + value);
  }
  return { counts: sorted(counts), words: sorted(words), later: sorted(counts) };
}

const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

function stateOf(driver: TestDriver) {
  const all = <V>(name: string) =>
    sorted(new Map([0, 1].flatMap(partition => [...driver.store<string, V>(name, partition).all()])));
  return { counts: all<number>('counts'), words: all<string>('words'), later: all<number>('later') };
}

describe('after any crashes in any checkpoints', () => {
  it('the state is the fold of the input, each record once, and no output is missing', () => {
    fc.assert(
      fc.property(rounds, steps => {
        const driver = testDriver(underTest(), { partitions: 2 });
        const piped: { key: string; value: string }[] = [];
        for (const { input: batch, crashes, autoCommit } of steps) {
          const arm = (crash = crashes.pop()) =>
            crash && driver.crashAt(crash.point, () => crash.survivors.next().value === true);
          driver.autoCommit = autoCommit.next().value;
          arm();
          driver.pipe('in', batch);
          piped.push(...batch);
          if (!driver.crashed) driver.commit();
          while (driver.crashed) {
            driver.autoCommit = autoCommit.next().value;
            driver.recover({ beforeInput: arm });
            if (!driver.crashed) driver.commit();
          }
          expect(stateOf(driver)).toEqual(fold(piped));
        }
        driver.commit();
        const expected = fold(piped);
        const written = driver.read<string, number>('counts');
        for (const [key, total] of expected.counts) {
          const seen = new Set(written.filter(record => record.key === key).map(record => record.value));
          expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
        }
        const last = new Map(driver.read<string, number>('later').map(({ key, value }) => [key, value]));
        expect(sorted(last)).toEqual(expected.later);
      }),
      { numRuns: 500 },
    );
  });

  it('what is restored is the fold of the input before the offsets it goes on from', () => {
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 5 }), crash, (batches, { point, survivors }) => {
        const driver = testDriver(underTest(), { partitions: 1, autoCommit: false });
        for (const batch of batches.slice(0, -1)) {
          driver.pipe('in', batch);
          driver.commit();
        }
        const before = driver.committed()[0]?.offset ?? 0;
        driver.pipe('in', batches.at(-1)!);
        driver.crashAt(point, () => survivors.next().value === true);
        driver.commit();
        const all = batches.flat();
        if (!driver.crashed) driver.crash();
        const seen: number[] = [];
        driver.recover({ beforeInput: () => void seen.push(...stateOfOne(driver)) });
        const done = point === 'after-mark' || point === 'after-commit' ? all.length : before;
        expect(seen).toEqual(fold(all.slice(0, done)).counts.map(([, value]) => value));
      }),
      { numRuns: 200 },
    );
  });
});

function stateOfOne(driver: TestDriver): readonly number[] {
  return [...driver.store<string, number>('counts').all()].map(([, value]) => value);
}
