import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { aggregate, keyValueStore, mapValues, testDriver, to, topology } from '../index.ts';
import { heldRecordBytes } from './held-back.ts';
import { records, text } from './windows-under-test.ts';

/** Letters one after the other; `stop` deletes the key. */
function driverOf(cacheMaxBytes?: number) {
  const t = topology('t', b => {
    b.source('in', text).pipe(
      aggregate<string, string, string>({
        store: keyValueStore({ name: 'sums', ...text }),
        initial: () => '',
        add: (sum, { value }) => (value === 'stop' ? null : sum + value),
        emit: 'checkpoint',
        ...(cacheMaxBytes !== undefined && { cacheMaxBytes }),
      }),
      to('out', text),
    );
  });
  return testDriver(t, { autoCommit: false });
}

function outputs(driver: ReturnType<typeof driverOf>, line: string): string[] {
  driver.pipe('in', records(line));
  driver.commit();
  return driver.read('out').map(({ key, value, timestampMs }) => `${key} ${value}@${timestampMs}`);
}

describe('an aggregate that emits at checkpoints', () => {
  it('emits in the order of the last changes', () => {
    expect(outputs(driverOf(), 'a x@1, b y@2, a z@3, c w@1')).toEqual(['b y@2', 'a xz@3', 'c w@1']);
  });

  it('leaves out a key that came and went in between, and takes back one that was emitted', () => {
    const driver = driverOf();
    expect(outputs(driver, 'a x@1, a stop@2, b y@3')).toEqual(['b y@3']);
    expect(outputs(driver, 'b stop@4')).toEqual(['b null@4']);
    expect(outputs(driver, 'b z@5, b stop@6, b w@7')).toEqual(['b w@7']);
  });

  it('emits what waits longest at once when more is held than may be, and everything without room', () => {
    expect(outputs(driverOf(2 * (heldRecordBytes + 4)), 'a x@1, b x@1, a y@2, c x@3')).toEqual([
      'b x@1',
      'a xy@2',
      'c x@3',
    ]);
    expect(outputs(driverOf(0), 'a x@1, a y@2')).toEqual(['a x@1', 'a xy@2']);
  });

  it('puts a value aside by itself that fails further down when it goes early', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        aggregate<string, string, string>({
          store: keyValueStore({ name: 'sums', ...text }),
          initial: () => '',
          add: (sum, { value }) => sum + value,
          emit: 'checkpoint',
          cacheMaxBytes: 0,
        }),
        mapValues(value => {
          if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'too bad');
          return value;
        }),
        to('out', text),
      );
    });
    const driver = testDriver(t, { autoCommit: false });
    expect(outputs(driver, 'a x@1, b bad@2, c y@3')).toEqual(['a x@1', 'c y@3']);
    expect(driver.deadLetters()).toMatchObject([{ offset: 1 }]);
  });
});
