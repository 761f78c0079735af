import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CrashPoint,
  crashPoints,
  hoppingWindows,
  sessionWindows,
  slidingWindows,
  type TestDriver,
  tumblingWindows,
  type WindowEmit,
  type Windows,
} from '../index.ts';
import { closedOf, type ModelRecord, type ModelWindow, modelOf, slidingModelOf } from './windows-model.ts';
import { driverOf, late, results } from './windows-under-test.ts';

const graceMs = fc.constantFrom(0, 1, 4, 15);
const timeWindows = fc.oneof(
  fc.record({ sizeMs: fc.integer({ min: 1, max: 12 }), graceMs }).map(tumblingWindows),
  fc
    .record({ sizeMs: fc.integer({ min: 1, max: 12 }), graceMs, part: fc.integer({ min: 1, max: 5 }) })
    .map(({ part, ...rest }) => hoppingWindows({ ...rest, advanceMs: Math.ceil(rest.sizeMs / part) })),
);
const sessions = fc.record({ gapMs: fc.integer({ min: 1, max: 6 }), graceMs }).map(sessionWindows);
const sliding = fc.record({ differenceMs: fc.integer({ min: 0, max: 10 }), graceMs }).map(slidingWindows);
const modelled = fc.oneof(timeWindows, sessions);
const anyWindows: fc.Arbitrary<Windows> = fc.oneof(timeWindows, sessions, sliding);

/** Mostly forward, some of it late, of one time, or far ahead. */
const stepMs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 3, arbitrary: fc.integer({ min: -12, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20, max: 60 }) },
);
const input: fc.Arbitrary<readonly ModelRecord[]> = fc
  .array(fc.record({ key: fc.constantFrom('a', 'b'), stepMs }), { minLength: 1, maxLength: 25 })
  .map(steps => {
    let nowMs = 0;
    return steps.map(({ key, stepMs: by }, index) => {
      nowMs = Math.max(0, nowMs + by);
      return { key, value: String.fromCharCode(0x41 + index), timestampMs: nowMs };
    });
  });

/** Where checkpoints are. */
const splits = fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 8 });

function pieces(
  records: readonly ModelRecord[],
  lengths: readonly number[],
): readonly (readonly ModelRecord[])[] {
  const parts: (readonly ModelRecord[])[] = [];
  let rest = records;
  for (const length of lengths) {
    parts.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  return [...parts, rest].filter(part => part.length > 0);
}

function runIn(parts: readonly (readonly ModelRecord[])[], windows: Windows, emit: WindowEmit): TestDriver {
  const driver = driverOf({ windows, emit, autoCommit: false });
  for (const part of parts) {
    driver.pipe('in', part);
    driver.commit();
  }
  return driver;
}

const line = ({ key, startMs, endMs, value, timestampMs }: ModelWindow) =>
  `${key} ${startMs}-${endMs} ${value}@${timestampMs}`;
const windowOf = (result: string) => result.split(' ').slice(0, 2).join(' ');

/** What is known of each window when all is read. */
function lastOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const last = new Map<string, string>();
  for (const each of lines) {
    if (each.includes(' null@')) last.delete(windowOf(each));
    else last.set(windowOf(each), each);
  }
  return last;
}

const byWindow = (windows: readonly ModelWindow[]) =>
  new Map(windows.map(each => [windowOf(line(each)), line(each)]));

describe('windows of any records, in any disorder', () => {
  it('end up as all the records at hand say, change by change and at checkpoints; what is late is counted', () => {
    fc.assert(
      fc.property(modelled, input, splits, (windows, records, lengths) => {
        const expected = modelOf(windows, records);
        for (const emit of ['each', 'checkpoint'] as const) {
          const driver = runIn(pieces(records, lengths), windows, emit);
          expect(lastOf(results(driver))).toEqual(byWindow(expected.windows));
          expect(late(driver)).toBe(expected.late);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('are final once each, complete and in order, when they are closed', () => {
    fc.assert(
      fc.property(modelled, input, splits, (windows, records, lengths) => {
        const expected = modelOf(windows, records);
        const driver = runIn(pieces(records, lengths), windows, 'final');
        expect(results(driver)).toEqual(closedOf(windows, expected).map(line));
        expect(late(driver)).toBe(expected.late);
      }),
      { numRuns: 400 },
    );
  });

  it('hold exactly the records between their ends, where they slide and none is late', () => {
    fc.assert(
      fc.property(sliding, input, splits, ({ differenceMs }, records, lengths) => {
        const windows = slidingWindows({ differenceMs, graceMs: 10_000 });
        const driver = runIn(pieces(records, lengths), windows, 'each');
        for (const key of ['a', 'b']) {
          const kept = [...driver.timeline<string, string>('store').between(key, 0, 10_000)];
          const found = kept.map(({ timeMs, value, timestampMs }) =>
            line({
              key,
              startMs: timeMs,
              endMs: timeMs + differenceMs,
              value: [...value].sort().join(''),
              timestampMs,
            }),
          );
          const ofKey = records.filter(each => each.key === key);
          expect(found).toEqual(slidingModelOf(differenceMs, ofKey).map(line));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('give the same results wherever checkpoints are', () => {
    fc.assert(
      fc.property(anyWindows, input, splits, (windows, records, lengths) => {
        for (const emit of ['each', 'final'] as const) {
          const whole = results(runIn([records], windows, emit));
          expect(results(runIn(pieces(records, lengths), windows, emit))).toEqual(whole);
        }
        const last = lastOf(results(runIn([records], windows, 'each')));
        expect(lastOf(results(runIn(pieces(records, lengths), windows, 'checkpoint')))).toEqual(last);
      }),
      { numRuns: 300 },
    );
  });

  it('have final results that are the last of the single changes', () => {
    fc.assert(
      fc.property(anyWindows, input, (windows, records) => {
        const last = lastOf(results(runIn([records], windows, 'each')));
        for (const final of results(runIn([records], windows, 'final')))
          expect(last.get(windowOf(final))).toBe(final);
      }),
      { numRuns: 300 },
    );
  });
});

const crash = fc.record({ survivors: fc.infiniteStream(fc.boolean()), at: fc.nat({ max: 5 }) });

/** Runs it all with crashes at checkpoints, and as often recovers. */
function runThrough(
  driver: TestDriver,
  parts: readonly (readonly ModelRecord[])[],
  crashes: ReadonlyMap<number, { readonly point: CrashPoint; readonly survivors: Iterator<boolean> }>,
): readonly string[] {
  const seen: string[] = [];
  for (const [at, part] of parts.entries()) {
    const planned = crashes.get(at);
    if (planned) driver.crashAt(planned.point, () => planned.survivors.next().value === true);
    driver.pipe('in', part);
    driver.commit();
    if (driver.crashed) {
      driver.recover();
      driver.commit();
    }
    seen.push(...results(driver));
  }
  // One that was armed where nothing was left to do.
  if (driver.crashed) driver.recover();
  return seen;
}

describe('windows of a process that crashes', () => {
  const anyEmit = fc.constantFrom<WindowEmit>('each', 'checkpoint', 'final');
  const crashesAt = (points: readonly CrashPoint[]) =>
    fc
      .array(fc.record({ crash, point: fc.constantFrom(...points) }), { minLength: 1, maxLength: 4 })
      .map(list => new Map(list.map(({ crash: { at, survivors }, point }) => [at, { point, survivors }])));

  it('miss no result, and none is ever different, at any point of a checkpoint', () => {
    fc.assert(
      fc.property(
        anyWindows,
        anyEmit,
        input,
        splits,
        crashesAt(crashPoints),
        (windows, emit, records, lengths, crashes) => {
          const parts = pieces(records, lengths);
          const undisturbed = results(runIn(parts, windows, emit));
          const driver = driverOf({ windows, emit, autoCommit: false });
          const seen = runThrough(driver, parts, crashes);
          expect(lastOf(seen)).toEqual(lastOf(undisturbed));
          expect(new Set(seen)).toEqual(new Set(undisturbed));
          expect([...driver.timeline('store').all()]).toEqual([
            ...runIn(parts, windows, emit).timeline('store').all(),
          ]);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('give each result once, where a checkpoint is made whole or not at all', () => {
    const points = crashesAt(['before-produce', 'after-commit']);
    fc.assert(
      fc.property(anyWindows, anyEmit, input, splits, points, (windows, emit, records, lengths, crashes) => {
        const parts = pieces(records, lengths);
        const driver = driverOf({ windows, emit, autoCommit: false });
        expect(runThrough(driver, parts, crashes)).toEqual(results(runIn(parts, windows, emit)));
      }),
      { numRuns: 400 },
    );
  });

  it('are the same when they are kept on disk', () => {
    fc.assert(
      fc.property(
        anyWindows,
        anyEmit,
        input,
        splits,
        crashesAt(crashPoints),
        (windows, emit, records, lengths, crashes) => {
          const parts = pieces(records, lengths);
          const undisturbed = runIn(parts, windows, emit);
          const stateDir = mkdtempSync(join(tmpdir(), 'sluice-windows-'));
          try {
            const driver = driverOf({ windows, emit, autoCommit: false, engine: 'disk', stateDir });
            const seen = runThrough(driver, parts, crashes);
            expect(new Set(seen)).toEqual(new Set(results(undisturbed)));
            expect(keptBy(driver)).toEqual(keptBy(undisturbed));
            driver.close();
          } finally {
            rmSync(stateDir, { recursive: true });
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);
});

const keptBy = (driver: TestDriver) =>
  [...driver.timeline<string, unknown>('store').all()].map(([key, { timeMs, value, timestampMs }]) => ({
    ...{ key, timeMs, value, timestampMs },
  }));
