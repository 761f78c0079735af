import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { count, keyValueStore, merge, process, testDriver, to, topology } from '../index.ts';
import { readMark } from './checkpoint.ts';

const text = { key: textSerde, value: textSerde };

describe('a task', () => {
  it('takes the oldest of the buffered records, of equals the source declared first', () => {
    const driver = testDriver(
      topology('t', b => {
        merge(b.source('one', text), b.source('two', text)).pipe(to('out', text));
      }),
    );
    const at = (value: string, timestampMs: number) => ({ key: 'k', value, timestampMs });
    driver.append('two', [at('b1', 10), at('b2', 30)]);
    driver.append('one', [at('a1', 10), at('a2', 40), at('a3', 20)]);
    driver.run();
    expect(driver.read('out').map(({ value }) => value)).toEqual(['a1', 'b1', 'b2', 'a2', 'a3']);
  });

  it('goes on from the marks of earlier versions', () => {
    const mark = { streamTimeMs: 7, offsets: { in: 3 }, changelogs: { log: 2 } };
    const record = { topic: 'marks', partition: 0, offset: 0, timestampMs: 0, key: null, headers: {} };
    expect(readMark({ ...record, value: Buffer.from(JSON.stringify(mark)) })).toEqual({
      ...mark,
      ...{ history: '', serial: 0, stepTimesMs: {} },
    });
  });

  it('keeps its stream time over a restart', () => {
    const seen: number[] = [];
    const driver = testDriver(
      topology('t', b => {
        const input = b.source('in', text);
        input.pipe(
          count({
            store: keyValueStore({
              name: 'counts',
              key: textSerde,
              value: { serialize: n => Buffer.from(`${n}`), deserialize: bytes => Number(`${bytes}`) },
            }),
          }),
        );
        input.pipe(
          process(() => {
            let now = () => 0;
            return {
              init: context => {
                now = () => context.streamTimeMs;
              },
              process: () => void seen.push(now()),
            };
          }),
        );
      }),
    );
    driver.pipe('in', [
      { key: 'k', value: 'v', timestampMs: 500 },
      { key: 'k', value: 'v', timestampMs: 300 },
    ]);
    driver.crash();
    driver.recover();
    driver.pipe('in', { key: 'k', value: 'v', timestampMs: 100 });
    expect(seen).toEqual([500, 500, 500]);
  });

  it('takes event time from the value when the source says how', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', { ...text, timestampMs: ({ value }) => Number(value) }).pipe(to('out', text));
      }),
    );
    driver.pipe('in', { key: 'k', value: '77', timestampMs: 1 });
    expect(driver.read('out')[0]!.timestampMs).toBe(77);
  });

  it('passes over records that it is handed again', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(to('out', text));
      }),
    );
    driver.pipe('in', { key: 'k', value: 'v' });
    driver.run();
    driver.run();
    expect(driver.read('out').length).toBe(1);
  });
});
