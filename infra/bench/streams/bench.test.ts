import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { versions } from '../../local/versions.ts';
import { readOptions } from './options.ts';
import { summaryOf } from './report.ts';
import { argumentsOf, type ContestantSetup, parseEvent, readSetup } from './setup.ts';
import { figuresOf } from './throughput.ts';

test('Kafka Streams has the version of the broker', () => {
  const pom = readFileSync(join(import.meta.dirname, 'jvm', 'pom.xml'), 'utf8');
  expect(pom).toContain(`<kafka.version>${versions.kafka}</kafka.version>`);
  expect(pom).toContain(`<log4j.version>${versions.log4j}</log4j.version>`);
});

test('a contestant reads what the harness gave it', () => {
  const setup: ContestantSetup = {
    ...{ bootstrapServers: '127.0.0.1:9092', applicationId: 'a=b', input: 'in', output: 'out' },
    ...{ guarantee: 'exactly-once', emit: 'cached', engine: 'disk', counts: 'windows' },
    ...{ commitIntervalMs: 100, stateDir: '/tmp/x y' },
  };
  expect(readSetup(argumentsOf(setup))).toEqual(setup);
  expect(() => readSetup(['nothing'])).toThrow(/name=value/);
});

test('only lines that are events are events', () => {
  expect(parseEvent('{"event":"first","atMs":12}')).toEqual({ event: 'first', atMs: 12 });
  for (const line of ['', 'WARN x', '{"level":30}', '{"event":"fir'])
    expect(parseEvent(line)).toBeUndefined();
});

test('options that make no sense are refused, naming what may be given', () => {
  expect(readOptions([]).suites).toEqual(['throughput', 'latency', 'keys']);
  expect(readOptions(['--suite', 'all']).suites).toContain('restore');
  expect(readOptions(['--only', 'ours,jvm', '--rounds', '3'])).toMatchObject({
    only: ['ours', 'jvm'],
    rounds: 3,
  });
  expect(() => readOptions(['--only', 'flink'])).toThrow(/none of ours/);
  expect(() => readOptions(['--records', '-1'])).toThrow(/--records/);
  expect(() => readOptions(['--rekords', '1'])).toThrow(/--records N/);
});

test('the summary has a rate and a peak of memory for each, and both ratios', () => {
  const run = (tookMs: number, records = 1_000_000) => ({
    ...{ records, tookMs, withStartMs: tookMs + 500, outputs: 1, peakRssBytes: 300 * 2 ** 20 },
    ...{ cpuSeconds: 5, brokerCpuSeconds: 1, busyProcessors: 2 },
  });
  const summary = summaryOf({
    'at-least-once': {
      ours: figuresOf([run(5_000), run(4_000), run(9_000)]),
      jvm: figuresOf([run(8_000)]),
      kafkats: figuresOf([run(10_000, 20_000)]),
    },
  });
  expect(summary['at-least-once']).toMatchObject({
    ...{ ours: 200_000, kafkaStreams: 125_000, kafkats: 2_000, oursToKafkaStreams: 1.6, oursToKafkats: 100 },
    rssMb: { ours: 300, kafkaStreams: 300, kafkats: 300 },
    onDisk: { ours: null, kafkaStreams: null },
  });
});
