/** An application to be killed: counts words by key, and by key and window. `node counting.ts '<CountingArguments as JSON>'` */

import process from 'node:process';
import { kafkaClient } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  type DeadLetter,
  keyValueStore,
  runStreams,
  type Streams,
  type StreamsOptions,
  type Topology,
  to,
  topology,
  tumblingWindows,
  windowedCount,
  windowedSerde,
  windowStore,
} from '../index.ts';

export const deadLetterSerde = jsonSerde<DeadLetter>();
export const guarantees = ['at-least-once', 'exactly-once'] as const;
export type Guarantee = (typeof guarantees)[number];

export const windowMs = 10_000;
export const totalSerdes = { key: textSerde, value: jsonSerde<number>() };
export const windowSerdes = { key: windowedSerde(textSerde, windowMs), value: jsonSerde<number>() };
/** Longer than a torture lasts: no window closes, so that each record counts whenever it is read. */
const graceMs = 24 * 3_600_000;

export interface CountingSetup {
  readonly bootstrapServers: string;
  /** Names the application, and its topics unless `input` says otherwise: `<name>-words`, `-totals`, `-windows`, `-dead`. */
  readonly name: string;
  readonly guarantee: Guarantee;
  /** Absent: `<name>-words`. */
  readonly input?: string;
  /** What the broker knows the process by. Absent: the name. */
  readonly clientId?: string;
  readonly options?: Partial<StreamsOptions>;
}

/** `words` → `totals`, a count a word; `words` → `windows`, the same per window. */
export function counting(name: string, input: string): Topology {
  return topology('counting', b => {
    const words = b.source(input, { key: textSerde, value: textSerde });
    words.pipe(
      count({ store: keyValueStore({ name: 'counts', ...totalSerdes }) }),
      to(`${name}-totals`, totalSerdes),
    );
    words.pipe(
      windowedCount({
        windows: tumblingWindows({ sizeMs: windowMs, graceMs }),
        store: windowStore({ name: 'windows', key: textSerde, value: totalSerdes.value }),
        emit: 'each',
      }),
      to(`${name}-windows`, windowSerdes),
    );
  });
}

/** Started; its client ends with it. */
export async function startCounting(setup: CountingSetup): Promise<Streams> {
  const { bootstrapServers, name, guarantee, input = `${name}-words`, clientId = name, options } = setup;
  const client = kafkaClient({ bootstrapServers, clientId });
  const streams = runStreams({
    topology: counting(name, input),
    client,
    applicationId: name,
    guarantee,
    deadLetters: { topic: `${name}-dead`, value: deadLetterSerde },
    sessionTimeoutMs: 6_000,
    commitIntervalMs: 50,
    ...options,
  });
  try {
    await streams.start();
  } finally {
    void streams.finished.catch(() => {}).then(() => client.close());
  }
  return streams;
}

/** Arguments of a process of it. */
export type CountingArguments = Omit<CountingSetup, 'options'> & {
  readonly options?: Pick<StreamsOptions, 'sessionTimeoutMs' | 'standbys' | 'standbyIntervalMs' | 'stateDir'>;
};

if (import.meta.main) {
  const streams = await startCounting(JSON.parse(process.argv[2]!) as CountingArguments);
  process.stdout.write('started\n');
  process.on('SIGTERM', () => void streams.close());
  await streams.finished;
  process.stdout.write(`${JSON.stringify(streams.metrics().counters)}\n`);
}
