import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { joinStream, type Stream, testDriver, to, topology } from '../index.ts';
import { batchesOf, runBatches, type Step, smoothly } from '../table/crash.ts';

const text = { key: textSerde, value: textSerde };
const span = { beforeMs: 6, afterMs: 3, graceMs: 4 };

const joined = (kind: 'inner' | 'left' | 'outer') =>
  topology('t', b => {
    const [left, right] = ['left', 'right'].map(
      name => b.source(name, { ...text, nulls: 'keep' }) as unknown as Stream<string, string>,
    );
    const options = { ...span, name: 'pairs', key: textSerde, left: textSerde, right: textSerde };
    const join = (one: string | null, two: string | null) => `${one}+${two}`;
    left!.pipe(joinStream(right!, { ...options, kind: kind as 'outer', join }), to('out', text));
  });

/** Every record has a value of its own. */
const stepsFrom = (nullable: boolean, backMs: number): fc.Arbitrary<readonly Step[]> =>
  fc
    .array(
      fc.record({
        topic: fc.constantFrom('left', 'right'),
        key: nullable ? fc.constantFrom('p', 'q', null) : fc.constantFrom('p', 'q'),
        isNull: nullable ? fc.boolean() : fc.constant(false),
        byMs: fc.integer({ min: -backMs, max: 6 }),
      }),
      { maxLength: 12 },
    )
    .map(steps => {
      let nowMs = 20;
      return steps.map(({ topic, key, isNull, byMs }, at) => {
        nowMs = Math.max(0, nowMs + byMs);
        return { topic, key, timestampMs: nowMs, value: isNull && at % 3 === 0 ? null : `${topic[0]}${at}` };
      });
    });

type Out = readonly [key: string, value: string, timestampMs: number];
const read = (driver: ReturnType<typeof testDriver>) =>
  driver.read<string, string>('out').map(({ key, value, timestampMs }): Out => [key, value, timestampMs]);

/** Every pair that is near enough, found by the later one, while the earlier one is still kept. */
function naive(steps: readonly Step[]): readonly Out[] {
  const out: Out[] = [];
  const latestMs: Record<string, number> = { left: -1, right: -1 };
  const kept: Step[] = [];
  for (const step of steps) {
    const { topic, key, value, timestampMs } = step;
    for (const other of kept.toSorted((a, b) => a.timestampMs - b.timestampMs)) {
      const [left, right] = topic === 'left' ? [step, other] : [other, step];
      const apartMs = right.timestampMs - left.timestampMs;
      if (other.topic === topic || other.key !== key) continue;
      if (apartMs < -span.beforeMs || apartMs > span.afterMs) continue;
      if (other.timestampMs <= latestMs[other.topic]! - 13) continue;
      out.push([key!, `${left.value}+${right.value}`, Math.max(timestampMs, other.timestampMs)]);
    }
    latestMs[topic] = Math.max(latestMs[topic]!, timestampMs);
    if (timestampMs > latestMs[topic]! - 13 && value !== null) kept.push(step);
  }
  return out;
}

describe('a join of streams in any disorder', () => {
  it('pairs what a search through all that is kept pairs, in that order', () => {
    fc.assert(
      fc.property(stepsFrom(false, 12), steps => {
        const driver = testDriver(joined('inner'));
        const out = steps.flatMap(({ topic, ...record }) => {
          driver.pipe(topic, record);
          return read(driver);
        });
        expect(out).toEqual(naive(steps));
      }),
    );
  });

  it('outer: sends every record once at least, alone only when nothing was there, and never both at once', () => {
    fc.assert(
      fc.property(stepsFrom(false, 12), steps => {
        const driver = testDriver(joined('outer'));
        for (const { topic, ...record } of steps) driver.pipe(topic, record);
        driver.pipe('left', { key: 'end', value: 'end', timestampMs: 1_000 });
        driver.pipe('left', { key: 'end', value: 'end', timestampMs: 2_000 });
        const out = read(driver).filter(([key]) => key !== 'end');
        const pairs = out.filter(([, value]) => !value.includes('null'));
        expect(pairs.toSorted()).toEqual([...naive(steps)].toSorted());
        for (const { value } of steps) {
          const alone = out.filter(([, each]) => each === `${value}+null` || each === `null+${value}`);
          expect(alone.length).toBeLessThanOrEqual(1);
          const met = pairs.some(([, pair]) => pair.split('+').includes(value!));
          expect(alone.length === 1 || met).toBe(true);
        }
      }),
    );
  });
});

describe.each(['inner', 'left', 'outer'] as const)('a join of streams, %s, in any checkpoints', kind => {
  it('gives the same after any crashes in them, and so do the records after that', () => {
    fc.assert(
      fc.property(batchesOf(stepsFrom(true, 8)), stepsFrom(false, 20), (batches, more) => {
        const smooth = runBatches(joined(kind), smoothly(batches));
        const torn = runBatches(joined(kind), batches);
        // What a crash kept from being committed is written again.
        expect(new Set(read(torn).map(String))).toEqual(new Set(read(smooth).map(String)));
        torn.crash();
        torn.recover();
        for (const { topic, ...record } of more)
          for (const driver of [smooth, torn]) driver.pipe(topic, record);
        expect(read(torn)).toEqual(read(smooth));
      }),
      { numRuns: 150 },
    );
  });
});
