/** An application to be killed: counts words by key. `node counting.ts <bootstrapServers> <name> <guarantee>` */

import process from 'node:process';
import { kafkaClient } from '#kafka';
import { type Serde, textSerde } from '#schemas';
import {
  count,
  type DeadLetter,
  keyValueStore,
  runStreams,
  type Streams,
  type StreamsOptions,
  to,
  topology,
} from '../index.ts';

const json = <T>(): Serde<T> => ({
  serialize: value => Buffer.from(JSON.stringify(value)),
  deserialize: bytes => JSON.parse(bytes.toString()),
});

export const deadLetterSerde = json<DeadLetter>();
export const guarantees = ['at-least-once', 'exactly-once'] as const;
export type Guarantee = (typeof guarantees)[number];

export interface CountingSetup {
  readonly bootstrapServers: string;
  /** Names the application and its topics: `<name>-words`, `<name>-totals`, `<name>-dead`. */
  readonly name: string;
  readonly guarantee: Guarantee;
  readonly options?: Partial<StreamsOptions>;
}

/** Started; its client ends with it. */
export async function startCounting({
  bootstrapServers,
  name,
  guarantee,
  options,
}: CountingSetup): Promise<Streams> {
  const client = kafkaClient({ bootstrapServers, clientId: name });
  const totals = { key: textSerde, value: json<number>() };
  const streams = runStreams({
    topology: topology('counting', b => {
      b.source(`${name}-words`, { key: textSerde, value: textSerde }).pipe(
        count({ store: keyValueStore({ name: 'counts', ...totals }) }),
        to(`${name}-totals`, totals),
      );
    }),
    client,
    applicationId: name,
    guarantee,
    deadLetters: { topic: `${name}-dead`, value: deadLetterSerde },
    sessionTimeoutMs: 6_000,
    commitIntervalMs: 50,
    ...options,
  });
  await streams.start();
  void streams.finished.catch(() => {}).then(() => client.close());
  return streams;
}

if (import.meta.main) {
  const [bootstrapServers = '', name = '', guarantee] = process.argv.slice(2);
  const streams = await startCounting({
    bootstrapServers,
    name,
    guarantee: guarantees.find(each => each === guarantee) ?? 'at-least-once',
  });
  process.stdout.write('started\n');
  await streams.finished;
}
