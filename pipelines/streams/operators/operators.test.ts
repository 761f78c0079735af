import { filter, map, mergeMap, mergeWith, merge as rxMerge, scan, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { type Serde, textSerde } from '#schemas';
import {
  aggregate,
  count,
  keyValueStore,
  mapValues,
  merge,
  named,
  process,
  reduce,
  repartition,
  type StreamRecord,
  selectKey,
  testDriver,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const numberSerde: Serde<number> = {
  serialize: value => Buffer.from(String(value)),
  deserialize: bytes => {
    const value = Number(bytes.toString());
    if (Number.isNaN(value)) throw new SyntaxError(`${bytes} is no number`);
    return value;
  },
};
const counts = () => keyValueStore({ name: 'counts', key: textSerde, value: numberSerde });
const values = (records: readonly { key: unknown; value: unknown }[]) =>
  records.map(({ key, value }) => [key, value]);

describe('RxJS operators on a stream', () => {
  it('work unchanged and keep the lineage', () => {
    const t = topology('plain', b => {
      b.source('in', text).pipe(
        filter(record => record.value !== 'b'),
        map(record => ({ ...record, value: record.value.toUpperCase() })),
        to('out', text),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', [
      { key: 'k', value: 'a', timestampMs: 1, headers: { h: Buffer.from('1') } },
      { key: 'k', value: 'b', timestampMs: 2 },
      { key: 'k', value: 'c', timestampMs: 3 },
    ]);
    const [first, second] = driver.read('out');
    expect(first).toMatchObject({ key: 'k', value: 'A', timestampMs: 1, headers: { h: Buffer.from('1') } });
    expect(second).toMatchObject({ value: 'C', timestampMs: 3 });
    expect(t.describe()).toBe(
      'topology plain\nsub-topology 0\n  #0 source in → #1\n  #1 rxjs → #2\n  #2 rxjs → #3\n  #3 sink out\n',
    );
  });

  it('run once per record where a stream has several branches, and at ends without a sink', () => {
    const seen: string[] = [];
    const t = topology('branches', b => {
      const stream = b.source('in', text).pipe(tap(record => seen.push(record.value)));
      stream.pipe(to('one', text));
      stream.pipe(to('two', text));
      stream.pipe(tap(record => seen.push(`end ${record.value}`)));
    });
    const driver = testDriver(t);
    driver.pipe('in', { key: 'k', value: 'v' });
    expect(seen).toEqual(['v', 'end v']);
    expect(values(driver.read('one'))).toEqual([['k', 'v']]);
    expect(values(driver.read('two'))).toEqual([['k', 'v']]);
  });

  it('lose their lineage when RxJS combines them, and the next operator of ours says so', () => {
    expect(() =>
      topology('lost', b => {
        const stream = b.source('in', text);
        rxMerge(stream, stream).pipe(to('out', text));
      }),
    ).toThrow(/combine streams with merge\(\)/);
  });

  it('that subscribe to a stream besides its pipe are refused when the task starts', () => {
    const t = topology('twice', b => {
      const one = b.source('one', text);
      const two = b.source('two', text);
      two.pipe(to('out', text));
      one.pipe(mergeWith(two), to('both', text));
    });
    expect(() => testDriver(t)).toThrow(/subscribed by an RxJS operator besides its pipe/);
  });

  it('that emit outside of a record stop the application', async () => {
    const t = topology('async', b => {
      b.source('in', text).pipe(
        mergeMap(record => Promise.resolve(record)),
        to('out', text),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', { key: 'k', value: 'v' });
    await Promise.resolve();
    expect(() => driver.pipe('in', { key: 'k', value: 'w' })).toThrow(/asynchronous RxJS operators/);
  });
});

describe('aggregate', () => {
  it('emits a value per record', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          count({ store: counts() }),
          to('out', { key: textSerde, value: numberSerde }),
        );
      }),
    );
    driver.pipe(
      'in',
      ['a', 'b', 'a'].map(key => ({ key, value: 'x' })),
    );
    expect(values(driver.read('out'))).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ]);
    expect([...driver.store('counts').all()]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('emits the last value per key and checkpoint when asked to, with the time of its last record', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          count({ store: counts(), emit: 'checkpoint' }),
          to('out', { key: textSerde, value: numberSerde }),
        );
      }),
      { autoCommit: false },
    );
    driver.pipe(
      'in',
      ['a', 'b', 'a'].map((key, i) => ({ key, value: 'x', timestampMs: i })),
    );
    expect(driver.read('out')).toEqual([]);
    driver.commit();
    expect(driver.read('out')).toMatchObject([
      { key: 'b', value: 1 },
      { key: 'a', value: 2, timestampMs: 2 },
    ]);
  });

  it('deletes a key whose value becomes null, downstream and in the changelog', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          aggregate({
            store: keyValueStore({ name: 'last', ...text }),
            initial: () => '',
            add: (_, record: StreamRecord<string, string>) => (record.value === 'gone' ? null : record.value),
          }),
          to('out', text),
        );
      }),
    );
    driver.pipe('in', { key: 'k', value: 'here' });
    driver.pipe('in', { key: 'k', value: 'gone' });
    expect(values(driver.read('out'))).toEqual([
      ['k', 'here'],
      ['k', null],
    ]);
    expect(driver.records('t-last-changelog').map(record => record.value?.toString() ?? null)).toEqual([
      'here',
      null,
    ]);
    expect(driver.store('last').size).toBe(0);
  });

  it('drops and counts records without a key', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', { ...text, nulls: 'keep' }).pipe(
          count({ store: counts() as never }),
          to('out', { key: textSerde, value: numberSerde }),
        );
      }),
    );
    driver.pipe('in', { key: null, value: 'x' });
    expect(driver.read('out')).toEqual([]);
    expect(driver.counters.get('records.dropped.null-key')).toBe(1);
  });

  it('refuses a key that an RxJS operator changed', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          map(record => ({ ...record, key: 'other' })),
          count({ store: counts() }),
        );
      }),
    );
    expect(() => driver.pipe('in', { key: 'k', value: 'v' })).toThrow(/change keys with selectKey/);
  });

  it('refuses keys that may be spread over partitions, and takes those the caller vouches for', () => {
    const build = (partitioning?: 'kept') =>
      topology('t', b => {
        b.source('in', text).pipe(
          selectKey(record => record.value, partitioning && { partitioning }),
          count({ store: counts() }),
        );
      });
    expect(build).toThrow(/give it `repartition` with the serdes of its input/);
    const driver = testDriver(build('kept'));
    driver.pipe('in', { key: 'k', value: 'v' });
    expect(driver.store('counts').get('v')).toBe(1);
  });
});

describe('reduce', () => {
  it('starts from the first record of a key', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          reduce({ store: keyValueStore({ name: 'all', ...text }), add: (a, b) => a + b }),
          to('out', text),
        );
      }),
    );
    driver.pipe(
      'in',
      ['x', 'y', 'z'].map(value => ({ key: 'k', value })),
    );
    expect(values(driver.read('out'))).toEqual([
      ['k', 'x'],
      ['k', 'xy'],
      ['k', 'xyz'],
    ]);
  });
});

describe('repartition', () => {
  it('happens by itself before a step whose key changed, under the name of its store', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        selectKey(record => record.value),
        count({ store: counts(), repartition: { value: textSerde } }),
        to('out', { key: textSerde, value: numberSerde }),
      );
    });
    expect(t.describe()).toContain('source (counts-repartition)');
    const driver = testDriver(t, { partitions: { in: 4 } });
    driver.pipe(
      'in',
      ['a', 'b', 'c', 'd'].map(key => ({ key, value: 'same' })),
    );
    expect(values(driver.read('out')).at(-1)).toEqual(['same', 4]);
  });

  it('does not happen where the key is that of the source', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(count({ store: counts(), repartition: { value: textSerde } }));
    });
    expect(t.describe()).not.toContain('repartition');
  });

  it('drops a record whose new key is null, and carries null values', () => {
    const t = topology('t', b => {
      b.source('in', { ...text, nulls: 'keep' }).pipe(
        selectKey(record => (record.key === 'none' ? null : record.key)),
        repartition<string | null, string | null>({ name: 'again', ...text } as never),
        to('out', text),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', [
      { key: 'none', value: 'v' },
      { key: 'k', value: null },
    ]);
    expect(values(driver.read('out'))).toEqual([['k', null]]);
    expect(driver.counters.get('records.dropped.null-key')).toBe(1);
    expect(driver.deadLetters()).toEqual([]);
  });

  it('brings records of one key together, in another sub-topology', () => {
    const t = topology('t', b => {
      b.source('in', text).pipe(
        selectKey(record => record.value),
        repartition({ name: 'by-value', ...text }),
        count({ store: counts() }),
        to('out', { key: textSerde, value: numberSerde }),
      );
    });
    const driver = testDriver(t, { partitions: { in: 4 } });
    driver.pipe(
      'in',
      ['a', 'b', 'c', 'd'].map(key => ({ key, value: 'same' })),
    );
    expect(values(driver.read('out')).at(-1)).toEqual(['same', 4]);
    expect(t.describe()).toContain('sub-topology 1');
  });
});

describe('merge', () => {
  it('makes one stream of several', () => {
    const driver = testDriver(
      topology('t', b => {
        merge(b.source('one', text), b.source('two', text)).pipe(to('out', text));
      }),
    );
    driver.append('one', [{ key: 'k', value: 'late', timestampMs: 20 }]);
    driver.append('two', [{ key: 'k', value: 'early', timestampMs: 10 }]);
    driver.run();
    expect(values(driver.read('out'))).toEqual([
      ['k', 'early'],
      ['k', 'late'],
    ]);
  });

  it('of branches of one stream gives each record once per branch', () => {
    const driver = testDriver(
      topology('t', b => {
        const stream = b.source('in', text);
        merge(stream, stream.pipe(mapValues(value => `${value}!`))).pipe(to('out', text));
      }),
    );
    driver.pipe('in', { key: 'k', value: 'v' });
    expect(values(driver.read('out'))).toEqual([
      ['k', 'v'],
      ['k', 'v!'],
    ]);
  });
});

describe('process', () => {
  it('keeps state, forwards at intervals of stream time, and is closed in the end', () => {
    const store = keyValueStore({ name: 'last', ...text });
    const calls: string[] = [];
    const t = topology('t', b => {
      b.source('in', text).pipe(
        process<string, string, string, string>(
          () => {
            let last: StreamRecord<string, string>;
            return {
              init(context) {
                calls.push(`init ${context.taskId}`);
                context.schedule(10, 'stream-time', timeMs => {
                  for (const [key, value] of context.store(store).all())
                    context.forward({ ...last, key, value: `${value}@${timeMs}` });
                });
                this.process = record => {
                  last = record;
                  context.store(store).put(record.key, record.value);
                };
              },
              process() {},
              close: () => void calls.push('close'),
            };
          },
          { name: 'latest', stores: [store] },
        ),
        to('out', text),
      );
    });
    const driver = testDriver(t);
    driver.pipe('in', { key: 'a', value: 'x', timestampMs: 100 });
    driver.pipe('in', { key: 'b', value: 'y', timestampMs: 105 });
    expect(driver.read('out')).toEqual([]);
    driver.pipe('in', { key: 'b', value: 'z', timestampMs: 135 });
    expect(values(driver.read('out'))).toEqual([
      ['a', 'x@135'],
      ['b', 'z@135'],
    ]);
    driver.pipe('in', { key: 'b', value: 'w', timestampMs: 139 });
    expect(driver.read('out')).toEqual([]);
    driver.close();
    expect(calls).toEqual(['init 0_0', 'close']);
  });

  it('runs wall-clock punctuations when the clock moves, until cancelled', () => {
    const seen: number[] = [];
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          process(() => ({
            init(context) {
              const punctuation = context.schedule(1_000, 'wall-clock', timeMs => {
                seen.push(timeMs);
                if (seen.length === 2) punctuation.cancel();
              });
            },
            process() {},
          })),
        );
      }),
    );
    for (const ms of [999, 1, 5_000, 1_000]) driver.advance(ms);
    expect(seen).toEqual([1_000, 6_000]);
  });

  it('may only use the stores it named', () => {
    const store = counts();
    expect(() =>
      testDriver(
        topology('t', b => {
          b.source('in', text).pipe(
            process(() => ({ init: context => void context.store(store), process() {} }), { name: 'mine' }),
          );
        }),
      ),
    ).toThrow(/mine uses the store counts without naming it/);
  });
});

describe('a global table', () => {
  it('is seen whole by every task, at once in the driver', () => {
    const driver = testDriver(
      topology('t', b => {
        const names = b.globalTable('names', text);
        b.source('in', text).pipe(
          withGlobal(names, (record, view) => ({ ...record, value: view.get(record.value) ?? '?' })),
          to('out', text),
        );
      }),
      { partitions: 3 },
    );
    driver.pipe('in', { key: 'a', value: '1' });
    driver.pipe('names', [
      { key: '1', value: 'one' },
      { key: '2', value: 'two' },
    ]);
    driver.pipe('in', [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    driver.pipe('names', { key: '1', value: null });
    driver.pipe('in', { key: 'a', value: '1' });
    const got = values(driver.read('out')).sort();
    expect(got).toEqual([
      ['a', '?'],
      ['a', '?'],
      ['a', 'one'],
      ['b', 'two'],
    ]);
  });
});

describe('a record that fails', () => {
  const t = () =>
    topology('app', b => {
      b.source('in', { key: textSerde, value: numberSerde }).pipe(
        named(
          'odd only',
          map(record => {
            if (record.value % 2 === 0) throw new SluiceError('PROCESSING_FAILED', `${record.value} is even`);
            return record;
          }),
        ),
        scan((before, record) => ({ ...record, value: before.value + record.value })),
        to('out', { key: textSerde, value: numberSerde }),
      );
    });

  it('becomes a dead letter with its bytes, its origin and the reason; the rest flows', () => {
    const driver = testDriver(t(), { partitions: { in: 2 } });
    const headers = { h: Buffer.from('1') };
    driver.pipeBytes([
      {
        topic: 'in',
        partition: 1,
        key: Buffer.from('k'),
        value: Buffer.from('not a number'),
        timestampMs: 7,
        headers,
      },
      { topic: 'in', partition: 1, key: Buffer.from('k'), value: Buffer.from('1') },
      { topic: 'in', partition: 1, key: Buffer.from('k'), value: Buffer.from('2') },
      { topic: 'in', partition: 1, key: Buffer.from('k'), value: null },
      { topic: 'in', partition: 1, key: Buffer.from('k'), value: Buffer.from('3') },
    ]);
    expect(driver.deadLetters()).toMatchObject([
      {
        ...{ topic: 'in', partition: 1, offset: 0, timestamp: 7, key: Buffer.from('k') },
        ...{ value: Buffer.from('not a number'), headers, application: 'app', stage: 'RECEIVING' },
        ...{
          code: 'RECORD_CORRUPT',
          message: expect.stringMatching(/^in\/1@0: its value cannot be deserialised/),
        },
      },
      { offset: 2, stage: 'PROCESSING', code: 'PROCESSING_FAILED', message: 'in/1@2: 2 is even' },
      { offset: 3, value: null, code: 'RECORD_CORRUPT', message: expect.stringContaining('it has no value') },
    ]);
    // What RxJS operators remember does not outlive a failed record.
    expect(values(driver.read('out'))).toEqual([
      ['k', 1],
      ['k', 3],
    ]);
    expect(driver.committed()).toEqual([{ topic: 'in', partition: 1, offset: 5 }]);
  });

  it('keeps what it did before, and its other branches see it', () => {
    const driver = testDriver(
      topology('app', b => {
        const counted = b.source('in', text).pipe(count({ store: counts() }));
        counted.pipe(
          map(record => {
            if (record.key === 'bad') throw new SluiceError('PROCESSING_FAILED', 'no');
            return record;
          }),
          to('one', { key: textSerde, value: numberSerde }),
        );
        counted.pipe(to('two', { key: textSerde, value: numberSerde }));
      }),
    );
    driver.pipe(
      'in',
      ['bad', 'good'].map(key => ({ key, value: 'x' })),
    );
    expect(values(driver.read('one'))).toEqual([['good', 1]]);
    expect(values(driver.read('two'))).toEqual([
      ['bad', 1],
      ['good', 1],
    ]);
    expect(driver.store('counts').get('bad')).toBe(1);
    expect(driver.deadLetters().length).toBe(1);
  });

  it('may be skipped, or stop the application, by a handler of your own', () => {
    const build = () =>
      topology('app', b => {
        b.source('in', { key: textSerde, value: numberSerde }).pipe(
          to('out', { key: textSerde, value: numberSerde }),
        );
      });
    const bad = { topic: 'in', key: Buffer.from('k'), value: Buffer.from('x') };
    const skipping = testDriver(build(), { onFailure: () => 'skip' });
    skipping.pipeBytes([bad, { ...bad, value: Buffer.from('1') }]);
    expect(values(skipping.read('out'))).toEqual([['k', 1]]);
    expect(skipping.counters.get('records.skipped')).toBe(1);
    expect(skipping.deadLetters()).toEqual([]);
    const halting = testDriver(build(), { onFailure: () => 'halt' });
    expect(() => halting.pipeBytes(bad)).toThrow(/in\/0@0: its value cannot be deserialised/);
  });

  it('stops the application before itself when its code says halt', () => {
    const driver = testDriver(
      topology('app', b => {
        b.source('in', text).pipe(
          map(record => {
            if (record.value === 'bad') throw new TypeError('oops');
            return record;
          }),
          to('out', text),
        );
      }),
      { autoCommit: false },
    );
    driver.pipe('in', { key: 'k', value: 'good' });
    expect(() => driver.pipe('in', { key: 'k', value: 'bad' })).toThrow(/in\/0@1: oops/);
    expect(() => driver.commit()).toThrow(/oops/);
    expect(driver.committed()).toEqual([]);
  });

  it('downstream of a checkpoint is put aside with its origin, and the others flow', () => {
    const driver = testDriver(
      topology('app', b => {
        b.source('in', text).pipe(
          count({ store: counts(), emit: 'checkpoint' }),
          map(record => {
            if (record.key === 'bad') throw new SluiceError('PROCESSING_FAILED', 'no');
            return record;
          }),
          to('out', { key: textSerde, value: numberSerde }),
        );
      }),
    );
    driver.pipe(
      'in',
      ['a', 'bad', 'c'].map(key => ({ key, value: 'x' })),
    );
    expect(values(driver.read('out'))).toEqual([
      ['a', 1],
      ['c', 1],
    ]);
    expect(driver.deadLetters()).toMatchObject([
      { topic: 'in', offset: 1, value: null, code: 'PROCESSING_FAILED' },
    ]);
  });
});

describe('what a step emits in one turn', () => {
  const burst = process<string, string, string, string>(() => {
    let forward: (record: StreamRecord<string, string>) => void;
    return {
      init(context) {
        ({ forward } = context);
        context.schedule(10, 'stream-time', timeMs => {
          for (const value of ['one', 'bad', 'two'])
            forward({ ...record, key: 'timer', value, timestampMs: timeMs });
        });
      },
      process(each) {
        for (const value of each.value.split(' ')) forward({ ...each, value });
      },
    };
  });
  const record = { timestampMs: 0, headers: {}, origin: { topic: 'in', partition: 0, offset: 0 } };
  const refusing = topology('t', b => {
    const pieces = b.source('in', text).pipe(burst);
    pieces.pipe(
      mapValues(value => {
        if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'bad it is');
        return value;
      }),
      to('good', text),
    );
    pieces.pipe(
      named(
        'all',
        filter(() => true),
      ),
      to('all', text),
    );
  });

  it('fails record by record: those after the one that failed go on, in every branch', () => {
    const driver = testDriver(refusing);
    driver.pipe('in', { key: 'k', value: 'a bad b bad c', timestampMs: 1 });
    expect(values(driver.read('good')).map(([, value]) => value)).toEqual(['a', 'b', 'c']);
    expect(values(driver.read('all')).map(([, value]) => value)).toEqual(['a', 'bad', 'b', 'bad', 'c']);
    expect(driver.deadLetters().length).toBe(2);
  });

  it('does so where no record caused it, too', () => {
    const driver = testDriver(refusing);
    driver.pipe('in', { key: 'k', value: 'x', timestampMs: 1 });
    driver.pipe('in', { key: 'k', value: 'y', timestampMs: 50 });
    expect(values(driver.read('good')).map(([, value]) => value)).toEqual(['x', 'y', 'one', 'two']);
    expect(values(driver.read('all')).map(([, value]) => value)).toEqual(['x', 'y', 'one', 'bad', 'two']);
  });
});

describe('steps that hold back until a checkpoint', () => {
  it('are asked from sources to sinks, so that nothing stays behind', () => {
    const driver = testDriver(
      topology('t', b => {
        b.source('in', text).pipe(
          count({
            store: keyValueStore({ name: 'first', key: textSerde, value: numberSerde }),
            emit: 'checkpoint',
          }),
          count({
            store: keyValueStore({ name: 'second', key: textSerde, value: numberSerde }),
            emit: 'checkpoint',
          }),
          to('out', { key: textSerde, value: numberSerde }),
        );
      }),
    );
    driver.pipe('in', { key: 'k', value: 'v' });
    expect(values(driver.read('out'))).toEqual([['k', 1]]);
  });
});

describe('repartitions', () => {
  it('have names of their own', () => {
    const twice = () =>
      topology('t', b => {
        b.source('one', text).pipe(repartition({ name: 'same', ...text }), to('out', text));
        b.source('two', text).pipe(repartition({ name: 'same', ...text }), to('out', text));
      });
    expect(twice).toThrow(/two repartitions are called same/);
  });
});
