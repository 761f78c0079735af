import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  crashPoints,
  keyValueStore,
  type TestDriver,
  testDriver,
  to,
  topology,
  tumblingWindows,
  windowedCount,
  windowedSerde,
  windowStore,
} from '../index.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-crashes-'));
afterAll(() => rmSync(root, { recursive: true }));

const text = { key: textSerde, value: textSerde };
const json = jsonSerde<number>();
const sizeMs = 10;
/** All is written to the files with every checkpoint. */
const memory = { cacheBytes: 100, bufferBytes: 100 };

const underTest = () =>
  topology('on-disk', b => {
    const input = b.source('in', text);
    const counts = keyValueStore({ name: 'counts', key: textSerde, value: json, engine: 'disk', memory });
    input.pipe(count({ store: counts }), to('counts', { key: textSerde, value: json }));
    const windows = windowStore({ name: 'windows', key: textSerde, value: json, engine: 'disk', memory });
    input.pipe(
      windowedCount({ windows: tumblingWindows({ sizeMs, graceMs: 1_000 }), store: windows }),
      to('windows', { key: windowedSerde(textSerde), value: json }),
    );
    const passing = keyValueStore({
      name: 'passing',
      key: textSerde,
      value: json,
      changelog: false,
      engine: 'disk',
    });
    input.pipe(count({ store: passing }), to('passing', { key: textSerde, value: json }));
  });

type Input = readonly { readonly key: string; readonly timestampMs: number }[];
const input: fc.Arbitrary<Input> = fc.array(
  fc.record({ key: fc.constantFrom('p', 'q', 'r', 's', 't'), timestampMs: fc.nat(40) }),
  { maxLength: 6 },
);
const rounds = fc.array(
  fc.record({
    input,
    autoCommit: fc.constantFrom(true, false, 2),
    crash: fc.option(
      fc.record({ point: fc.constantFrom(...crashPoints), survivors: fc.infiniteStream(fc.boolean()) }),
    ),
    disk: fc.constantFrom('kept', 'kept', 'lost' as const),
  }),
  { minLength: 1, maxLength: 6 },
);

function fold(all: Input) {
  const counts = new Map<string, number>();
  const windows = new Map<string, number>();
  for (const { key, timestampMs } of all) {
    const window = `${key}@${Math.floor(timestampMs / sizeMs) * sizeMs}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    windows.set(window, (windows.get(window) ?? 0) + 1);
  }
  return { counts: Object.fromEntries(counts), windows: Object.fromEntries(windows) };
}

function stateOf(driver: TestDriver) {
  const windows = [...driver.timeline<string, number>('windows').all()];
  return {
    counts: Object.fromEntries(driver.store<string, number>('counts').all()),
    windows: Object.fromEntries(windows.map(([key, { timeMs, value }]) => [`${key}@${timeMs}`, value])),
  };
}

describe('stores on disk, after any crashes in any checkpoints', () => {
  it('hold the fold of the input, each record once, whether the files were kept or lost', () => {
    let kept = 0;
    let lost = 0;
    fc.assert(
      fc.property(rounds, script => {
        const stateDir = mkdtempSync(join(root, 'state-'));
        const warnings: string[] = [];
        const driver = testDriver(underTest(), { stateDir, onWarn: message => void warnings.push(message) });
        const all: { key: string; timestampMs: number }[] = [];
        for (const { input, autoCommit, crash, disk } of script) {
          driver.autoCommit = autoCommit;
          if (crash) driver.crashAt(crash.point, () => crash.survivors.next().value);
          driver.pipe(
            'in',
            input.map(record => ({ ...record, value: 'x' })),
          );
          all.push(...input);
          if (!driver.crashed) driver.commit();
          if (!driver.crashed) driver.crash();
          if (disk === 'lost') rmSync(stateDir, { recursive: true });
          driver.autoCommit = true;
          driver.recover();
          kept += disk === 'kept' ? 1 : 0;
          lost += disk === 'lost' ? 1 : 0;
          expect(stateOf(driver)).toEqual(fold(all));
        }
        // A crash leaves files that can be trusted, never more than behind.
        expect(warnings).toEqual([]);
        driver.close();
        rmSync(stateDir, { recursive: true });
      }),
      { numRuns: 60 },
    );
    expect(Math.min(kept, lost)).toBeGreaterThan(0);
  }, 60_000);

  it('read only what their files lack', () => {
    const stateDir = mkdtempSync(join(root, 'state-'));
    const driver = testDriver(underTest(), { stateDir });
    const records = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: 'x', timestampMs: i }));
    driver.pipe('in', records);
    driver.crash();
    driver.recover();
    expect(driver.counters.get('restore.records')).toBe(0);
    driver.crash();
    rmSync(stateDir, { recursive: true });
    driver.recover();
    expect(driver.counters.get('restore.records')).toBe(100);
    driver.close();
  });

  it('are refused where there is no place for them', () => {
    expect(() => testDriver(underTest())).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/store counts .*stateDir/),
      }),
    );
  });
});
