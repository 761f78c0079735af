import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import type { OutgoingRecord } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import { Counters } from '../counters.ts';
import { manualClock } from '../driver/manual-clock.ts';
import { count, keyValueStore, process, type Topology, testDriver, to, topology } from '../index.ts';
import type { StreamsMetrics } from '../runtime/metrics.ts';
import { familiesOf, type MetricsSource } from './families.ts';
import { prometheusMetrics } from './prometheus.ts';

const text = { key: textSerde, value: textSerde };
const still: StreamsMetrics = {
  counters: {},
  commits: { count: 0, lastMs: 0, maxMs: 0, totalMs: 0, recent: { perSecond: 0, averageMs: 0, maxMs: 0 } },
  restarts: 0,
  tasks: [],
  standbys: [],
  lag: 0,
  measured: [],
  stores: [],
  restoring: [],
};
const source = (metrics: Partial<StreamsMetrics>, rest: Partial<MetricsSource> = {}): MetricsSource => ({
  applicationId: 'app',
  topology: null as unknown as Topology,
  state: 'running',
  metrics: () => ({ ...still, ...metrics }),
  lag: () => [],
  group: () => null,
  ...rest,
});
const published = async (metrics: Partial<StreamsMetrics>, rest: Partial<MetricsSource> = {}) =>
  prometheusMetrics(source(metrics, rest)).text();

describe('what is published', () => {
  it('has every figure with its name, unit and labels', async () => {
    const counters = new Counters();
    counters.add('records.in', 7);
    counters.add('records.dropped.null-key', 2);
    counters.add('records.dropped.verdict', 3);
    counters.add('records.dead-letters', 4);
    counters.add('records.dead-letters.RECORD_CORRUPT', 4);
    counters.add('events.held', 1);
    const measures = counters.task('0_1');
    measures.disordered(1_500);
    measures.disordered(500);
    const output = (timestampMs: number) => ({ topic: 'o', key: null, value: null, timestampMs });
    measures.emitted(
      [output(997), output(1_000), output(500), { topic: 'o', key: null, value: null }],
      1_000,
    );
    const recent = { perSecond: 10, averageMs: 1, maxMs: 2 };
    const measured = counters.tasks.map(task => ({
      ...task.figures(),
      ...{ records: 5, processMs: 250, recent, punctuations: 3, punctuateMs: 1 },
    }));
    const me = { memberId: 'm', endpoint: null, partitions: [1], standbys: [2, 3] };
    const told = await published(
      {
        ...{ counters: counters.snapshot(), measured, tasks: ['0_1'], standbys: ['0_2', '0_3'], restarts: 1 },
        commits: { count: 2, lastMs: 5, maxMs: 15, totalMs: 20, recent },
        stores: [
          {
            taskId: '0_1',
            store: 'counts',
            entries: 9,
            figures: { cacheHits: 4, bytes: 100, dirtyBytes: 7 },
          },
        ],
        restoring: [{ taskId: '0_1', store: 'counts', position: 30, end: 100, left: 70, perSecond: 1_000 }],
      },
      {
        lag: () => [{ topic: 'words', partition: 1, lag: 12 }],
        group: () => ({ me, members: [me] }),
      },
    );
    await expect(told).toMatchFileSnapshot('golden/metrics.txt');
  });

  it('has a zero for what has not happened yet, so that its first time shows in a rate', async () => {
    const told = await published({});
    for (const name of ['records_in', 'late_records', 'skipped_records', 'rebalance', 'restarts', 'commit'])
      expect(told).toContain(`sluice_streams_${name}_total{application="app"} 0\n`);
  });

  it('is explained', () => {
    const at = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
    const names = [...at('golden/metrics.txt').matchAll(/^# TYPE sluice_streams_(\w+)/gm)].map(
      ([, name]) => name,
    );
    const explained = at('../../../docs/operating-streams.md');
    // What a store tells besides is published under its own name, whatever that is.
    const unexplained = names.filter(
      name => name !== 'store_dirty_bytes' && !explained.includes(`\`${name}`),
    );
    expect(unexplained).toEqual([]);
    expect(names.length).toBeGreaterThan(30);
  });

  it('escapes what would break a line', async () => {
    const told = await published({ counters: { 'a"b\\c\nd': 1 } });
    expect(told).toContain('sluice_streams_counter_total{name="a\\"b\\\\c\\nd",application="app"} 1');
    const line = /^(#.*|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? [-+\w.]+|)$/;
    for (const each of told.split('\n')) expect(each).toMatch(line);
  });

  it('has each family once', () => {
    const names = familiesOf(source({ counters: { 'records.in': 1, 'records.dropped.a': 1 } })).map(
      f => f.name,
    );
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('what a task measures', () => {
  const clock = manualClock(10_000);
  const counted = keyValueStore({ name: 'counts', key: textSerde, value: jsonSerde<number>() });
  const run = () => {
    const driver = testDriver(
      topology('t', b => {
        const words = b.source('words', text);
        words.pipe(count({ store: counted }), to('totals', { key: textSerde, value: jsonSerde<number>() }));
        words.pipe(
          process(() => ({
            init: context => void context.schedule(1_000, 'stream-time', () => {}),
            process({ value }) {
              if (value === 'bad') throw new SluiceError('PROCESSING_FAILED', 'bad');
            },
          })),
        );
      }),
      { clock },
    );
    driver.pipe('words', { key: 'a', value: 'x', timestampMs: 5_000 });
    driver.pipe('words', { key: 'a', value: 'x', timestampMs: 3_500 });
    driver.pipe('words', { key: 'b', value: 'bad', timestampMs: 9_000 });
    return driver;
  };

  it('is how many records it had, how old they were against stream time, and how old its outputs', () => {
    const driver = run();
    const [figures] = driver.counters.tasks.map(task => task.figures());
    expect(figures).toMatchObject({
      ...{ taskId: '0_0', records: 3, punctuations: 1 },
      disordered: { count: 1, sumMs: 1_500, maxMs: 1_500 },
      // What an output of an older record tells is as old as what it was counted with.
      endToEnd: { count: 3, maxMs: 5_000, sumMs: 5_000 + 5_000 + 1_000 },
    });
    expect(figures!.processMs).toBeGreaterThan(0);
    expect(figures!.recent.perSecond).toBeGreaterThan(0);
    expect(driver.counters.get('records.dead-letters.PROCESSING_FAILED')).toBe(1);
  });

  it('goes on where its predecessor was', () => {
    const driver = run();
    driver.crashAt('after-produce');
    driver.pipe('words', { key: 'c', value: 'x', timestampMs: 9_500 });
    driver.recover();
    const totals = driver.counters.tasks.map(task => task.figures());
    expect(totals).toHaveLength(1);
    expect(totals[0]!.records).toBeGreaterThanOrEqual(4);
  });
});

it('outputs without a time of their own are of no age', () => {
  const measures = new Counters().task('0_0');
  const outputs: OutgoingRecord[] = [{ topic: 'o', key: null, value: null }];
  measures.emitted(outputs, 5);
  expect(measures.figures().endToEnd.count).toBe(0);
});
