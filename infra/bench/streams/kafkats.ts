/**
 * @kafkats/flow as a contestant, with the settings that gave it most: no lingering (it waits for each changelog record and
 * each output before the next record of a partition), all partitions at once.
 *
 * `maxRecords` without a limit is for correctness: 0.12 puts what is left of a fetch behind newer fetches of the same
 * partition, and then hands records out in the wrong order. With its default of 500 its counts were wrong.
 */

import process from 'node:process';
import { type Codec, KafkaClient, string } from '@kafkats/client';
import { flow, TimeWindows, type Windowed } from '@kafkats/flow';
import type { Serde } from '#schemas';
import { bytesSerde, countSerde, writeWindowedKey } from './count-bytes.ts';
import { readSetup } from './setup.ts';
import { speak, untilDismissed } from './speak.ts';
import { windowMs } from './workload.ts';

const setup = readSetup(process.argv.slice(2));
const codecOf = <T>({ serialize, deserialize }: Serde<T>): Codec<T> => ({
  encode: serialize,
  decode: deserialize,
});
const numbers = codecOf(countSerde);
const bytes = codecOf(bytesSerde);
const windowed: Codec<Windowed<string>> = {
  encode: ({ key, window }) => writeWindowedKey({ key, startMs: window.start }),
  decode: () => {
    throw new Error('nobody reads them here');
  },
};
const client = new KafkaClient({ brokers: setup.bootstrapServers.split(','), clientId: setup.applicationId });
const app = flow({
  applicationId: setup.applicationId,
  client,
  processingGuarantee: setup.guarantee === 'exactly-once' ? 'exactly_once' : 'at_least_once',
  commitIntervalMs: setup.commitIntervalMs,
  consumer: { autoOffsetReset: 'earliest', maxRecords: Number.MAX_SAFE_INTEGER },
  producer: { lingerMs: 0, maxBatchBytes: 131_072, acks: 'all' },
  runEach: { partitionConcurrency: 4, autoCommitIntervalMs: setup.commitIntervalMs },
  changelog: { replicationFactor: 1 },
});
let began = false;
app
  .stream(setup.input, { key: string(), value: bytes })
  .peek(() => {
    if (!began) speak('first');
    began = true;
  })
  .groupByKey({ key: string(), value: bytes })
  .windowedBy(TimeWindows.of(windowMs))
  .count({ storeName: 'counts' })
  .toStream()
  .to(setup.output, { key: windowed, value: numbers });

await app.start();
speak('running');
await untilDismissed();
await app.close();
await client.disconnect();
