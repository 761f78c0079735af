/**
 * A member to be asked, and killed: counts words by key and by key and window, and answers for them.
 * `node counting-member.ts <bootstrapServers> <name> <standbys>`: prints where it answers once it listens.
 */

import process from 'node:process';
import { kafkaClient } from '#kafka';
import { jsonSerde, textSerde } from '#schemas';
import {
  count,
  keyValueStore,
  runStreams,
  serveStreams,
  topology,
  tumblingWindows,
  windowedCount,
  windowStore,
} from '../index.ts';

export const windowMs = 10_000;

const [bootstrapServers = '', name = '', standbys = '0'] = process.argv.slice(2);
const client = kafkaClient({ bootstrapServers, clientId: name });
const counts = { key: textSerde, value: jsonSerde<number>() };
const streams = runStreams({
  topology: topology('counting', b => {
    const words = b.source(`${name}-words`, { key: textSerde, value: textSerde });
    words.pipe(count({ store: keyValueStore({ name: 'counts', ...counts }) }));
    words.pipe(
      windowedCount({
        windows: tumblingWindows({ sizeMs: windowMs, graceMs: 3_600_000 }),
        store: windowStore({ name: 'windows', ...counts }),
      }),
    );
  }),
  client,
  applicationId: name,
  deadLetters: { topic: `${name}-dead`, value: jsonSerde<never>() },
  sessionTimeoutMs: 6_000,
  standbys: Number(standbys),
});
const server = await serveStreams(streams, { listen: '127.0.0.1:0', token: 'of the test' });
process.stdout.write(`${server.endpoint}\n`);
await streams.start();
await streams.finished;
await client.close();
