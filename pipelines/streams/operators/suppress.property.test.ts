import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  bufferStore,
  type CrashPoint,
  crashPoints,
  suppress,
  type TestDriver,
  testDriver,
  to,
  topology,
} from '../index.ts';

interface Update {
  readonly key: string;
  readonly value: string | null;
  readonly timestampMs: number;
}

interface Setting {
  readonly timeLimitMs: number;
  readonly maxRecords: number;
}

const text = { key: textSerde, value: textSerde };
const suppressed = ({ timeLimitMs, maxRecords }: Setting) =>
  topology('t', b => {
    b.source('in', { ...text, nulls: 'keep' }).pipe(
      suppress<string | null, string>({
        until: { timeLimitMs },
        store: bufferStore({ name: 'waiting', ...text }) as never,
        maxRecords,
        whenFull: 'emit-early',
      }),
      to('out', text),
    );
  });

/** All that waits in a list that is sorted each time. */
function model({ timeLimitMs, maxRecords }: Setting, updates: readonly Update[]): Update[] {
  const waiting: { readonly sinceMs: number; readonly key: string; last: Update }[] = [];
  const emitted: Update[] = [];
  let streamTimeMs = -1;
  for (const update of updates) {
    streamTimeMs = Math.max(streamTimeMs, update.timestampMs);
    const known = waiting.find(({ key }) => key === update.key);
    if (known) known.last = update;
    else waiting.push({ sinceMs: update.timestampMs, key: update.key, last: update });
    waiting.sort((a, b) => a.sinceMs - b.sinceMs || (a.key < b.key ? -1 : 1));
    while (
      waiting.length > maxRecords ||
      (waiting[0]?.sinceMs ?? Number.POSITIVE_INFINITY) <= streamTimeMs - timeLimitMs
    )
      emitted.push(waiting.shift()!.last);
  }
  return emitted;
}

const setting = fc.record({
  timeLimitMs: fc.integer({ min: 0, max: 15 }),
  maxRecords: fc.constantFrom(0, 1, 2, 1_000),
});
const updates: fc.Arbitrary<readonly Update[]> = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.option(fc.string({ maxLength: 2 })),
    timestampMs: fc.integer({ min: 0, max: 60 }),
  }),
  { minLength: 1, maxLength: 30 },
);

const read = (driver: TestDriver) =>
  driver.read('out').map(({ key, value, timestampMs }) => ({ key, value, timestampMs }));

describe('what is suppressed', () => {
  it('goes as a sorted list of all that waits says, wherever checkpoints are', () => {
    fc.assert(
      fc.property(setting, updates, fc.boolean(), (options, list, together) => {
        const driver = testDriver(suppressed(options), { autoCommit: !together });
        if (together) driver.pipe('in', list);
        else for (const update of list) driver.pipe('in', update);
        driver.commit();
        expect(read(driver)).toEqual(model(options, list));
      }),
      { numRuns: 400 },
    );
  });

  const crashes = (points: readonly CrashPoint[]) =>
    fc.array(
      fc.record({
        at: fc.nat({ max: 29 }),
        point: fc.constantFrom(...points),
        survivors: fc.infiniteStream(fc.boolean()),
      }),
      { maxLength: 4 },
    );

  function through(
    options: Setting,
    list: readonly Update[],
    planned: readonly { at: number; point: CrashPoint; survivors: Iterator<boolean> }[],
  ) {
    const driver = testDriver(suppressed(options));
    const emitted: object[] = [];
    list.forEach((update, index) => {
      const crash = planned.find(({ at }) => at === index);
      if (crash) driver.crashAt(crash.point, () => crash.survivors.next().value === true);
      driver.pipe('in', update);
      if (driver.crashed) driver.recover();
      emitted.push(...read(driver));
    });
    return { emitted, driver };
  }

  it('survives crashes at any point of a checkpoint: nothing is missing, nothing is different', () => {
    fc.assert(
      fc.property(setting, updates, crashes(crashPoints), (options, list, planned) => {
        const { emitted, driver } = through(options, list, planned);
        const expected = model(options, list);
        const names = (each: readonly object[]) => new Set(each.map(record => JSON.stringify(record)));
        expect(names(emitted)).toEqual(names(expected));
        const undisturbed = through(options, list, []);
        expect([...driver.store('waiting').all()]).toEqual([...undisturbed.driver.store('waiting').all()]);
      }),
      { numRuns: 300 },
    );
  });

  it('goes once, where a checkpoint is made whole or not at all', () => {
    fc.assert(
      fc.property(setting, updates, crashes(['before-produce', 'after-commit']), (options, list, planned) => {
        expect(through(options, list, planned).emitted).toEqual(model(options, list));
      }),
      { numRuns: 300 },
    );
  });
});
