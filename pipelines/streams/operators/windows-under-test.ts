/** What the tests of windows share: one step between a topic and another, and its results as short lines. */

import { textSerde } from '#schemas';
import {
  type InputRecord,
  type TestDriver,
  type TestDriverOptions,
  testDriver,
  to,
  topology,
  type WindowEmit,
  type Windowed,
  type Windows,
  windowedAggregate,
  windowedSerde,
  windowStore,
} from '../index.ts';
import type { Engine } from '../store/store.ts';

export const text = { key: textSerde, value: textSerde };
export const windowedText = { key: windowedSerde(textSerde), value: textSerde };

export interface UnderTest extends TestDriverOptions {
  readonly windows: Windows;
  readonly emit?: WindowEmit;
  readonly cacheMaxBytes?: number;
  readonly retentionMs?: number;
  readonly engine?: Engine;
}

/** Values of a window one after the other: order and number of records show. */
export const concatenating = ({ windows, emit, cacheMaxBytes, retentionMs, engine }: UnderTest) =>
  topology('windows', b => {
    const store = windowStore({
      name: 'store',
      ...text,
      ...(retentionMs !== undefined && { retentionMs }),
      ...(engine && { engine }),
    });
    b.source('in', { ...text, nulls: 'keep' }).pipe(
      windowedAggregate<string | null, string | null, string>({
        windows,
        store: store as never,
        initial: () => '',
        add: (value, record) => value + record.value,
        merge: (value, next) => value + next,
        ...(emit && { emit }),
        ...(cacheMaxBytes !== undefined && { cacheMaxBytes }),
      }),
      to('out', windowedText as never),
    );
  });

export const driverOf = (options: UnderTest): TestDriver => testDriver(concatenating(options), options);

/** `key value@time`, as many as there are spaces between: `a x@5, b y@7`. */
export function records(line: string): InputRecord<string, string>[] {
  if (line === '') return [];
  return line.split(', ').map(each => {
    const [, key, value, time] = /^(\S+) (\S+)@(-?\d+)$/.exec(each)!;
    return {
      key: key === 'null' ? null : key!,
      value: value === 'null' ? null : value!,
      timestampMs: Number(time),
    };
  });
}

/** Results as `key start-end value@time`. */
export function results(driver: TestDriver, topic = 'out'): string[] {
  return driver
    .read<Windowed<string>, string | null>(topic)
    .map(
      ({ key: { key, startMs, endMs }, value, timestampMs }) =>
        `${key} ${startMs}-${endMs} ${value}@${timestampMs}`,
    );
}

/** What a line of records gives, each with a checkpoint after it. */
export function resultsOf(options: UnderTest, line: string): string[] {
  const driver = driverOf(options);
  driver.pipe('in', records(line));
  return results(driver);
}

export const late = (driver: TestDriver) => driver.counters.get('records.late');
