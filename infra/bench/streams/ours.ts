/** This library as a contestant: counts per key and window. See setup.ts for the arguments. */

import process from 'node:process';
import { tap } from 'rxjs';
import { kafkaClient } from '#kafka';
import { textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  runStreams,
  type Topology,
  to,
  topology,
  tumblingWindows,
  windowedCount,
  windowedSerde,
  windowStore,
} from '#streams';
import { bytesSerde, countSerde } from './count-bytes.ts';
import { type ContestantSetup, readSetup } from './setup.ts';
import { speak, untilDismissed } from './speak.ts';
import { windowMs } from './workload.ts';

const counts = { key: textSerde, value: countSerde };

function counting({ input, output, emit: mode, counts: kind, engine }: ContestantSetup): Topology {
  const emit = mode === 'each' ? 'each' : 'checkpoint';
  let began = false;
  const noteFirst = () => {
    if (!began) speak('first');
    began = true;
  };
  return topology('bench', b => {
    const records = b.source(input, { key: textSerde, value: bytesSerde }).pipe(tap(noteFirst));
    if (kind === 'table') {
      const store = keyValueStore({ name: 'counts', ...counts, engine });
      records.pipe(count({ store, emit }), to(output, counts));
      return;
    }
    const store = windowStore({ name: 'counts', ...counts, engine });
    const windows = tumblingWindows({ sizeMs: windowMs, graceMs: 0 });
    const windowed = { key: windowedSerde(textSerde, windowMs), value: countSerde };
    records.pipe(windowedCount({ windows, store, emit }), to(output, windowed));
  });
}

const setup = readSetup(process.argv.slice(2));
const client = kafkaClient({ bootstrapServers: setup.bootstrapServers, clientId: setup.applicationId });
const refused = {
  serialize: () => {
    throw new Error('no record of this bench should fail');
  },
  deserialize: () => {
    throw new Error('nobody reads them');
  },
};
const streams = runStreams({
  topology: counting(setup),
  client,
  applicationId: setup.applicationId,
  guarantee: setup.guarantee,
  commitIntervalMs: setup.commitIntervalMs,
  ...(setup.engine === 'disk' && { stateDir: setup.stateDir }),
  deadLetters: { topic: `${setup.applicationId}-dead`, value: refused },
  logger: {
    warn: (fields, message) => void process.stderr.write(`WARN ${message} ${JSON.stringify(fields)}\n`),
    error: (fields, message) => void process.stderr.write(`ERROR ${message} ${JSON.stringify(fields)}\n`),
  },
});
await streams.start();
speak('running');
await Promise.race([untilDismissed(), streams.finished]);
await streams.close();
await client.close();
