import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { kafkaClient } from '#kafka';
import { startStack } from '#local';
import { type Contestant, raw } from '../kafka/kafkajs-baseline.ts';
import { adapter, partitions, readAll, sendsOf } from './transport.ts';

/**
 * Rates of the transport against kafkajs as it comes, in one run, on the same broker, in turn; medians of the rounds.
 * Starts a broker for itself unless one is given.
 * Usage: node infra/bench/transport.bench.ts [--bootstrap HOST:PORT] [--records N] [--rounds N]
 */
const { values: options } = parseArgs({
  options: {
    bootstrap: { type: 'string' },
    records: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
  },
});
const records = Number(options.records);
const rounds = Number(options.rounds);
const valueBytes = 200;

async function measure(bootstrapServers: string) {
  const client = kafkaClient({ bootstrapServers, clientId: 'bench' });
  const admin = await client.admin();
  const contestants: Record<string, Contestant> = { sluice: adapter(client), kafkajs: raw(bootstrapServers) };
  const rates: Record<string, number[]> = {};
  const note = (name: string, count: number, tookMs: number) => {
    rates[name] ??= [];
    rates[name].push((count / tookMs) * 1000);
    console.log(`${name.padEnd(24)} ${Math.round(rates[name].at(-1)!).toLocaleString('en')} records/s`);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, contestant] of Object.entries(contestants)) {
      const topic = `bench-${randomUUID().slice(0, 8)}`;
      await admin.createTopics([{ topic, partitions }]);
      const sends = sendsOf(topic, records, valueBytes);
      note(`produce ${name}`, records, await contestant.produce(topic, sends));
      note(`consume ${name}`, records, await contestant.consume(topic, records));
      if (name === 'sluice') {
        const read = await readAll(client, topic);
        if (read.records !== records) throw new Error(`read ${read.records} of ${records} records`);
        note('read sluice', read.records, read.tookMs);
      }
      await admin.deleteTopics([topic]);
    }
  }
  await client.close();
  const median = (all: number[]) => Math.round(all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!);
  const medians = Object.entries(rates).map(([name, all]) => [name.replaceAll(' ', '_'), median(all)]);
  return { bench: 'transport', records, valueBytes, rounds, recordsPerSecond: Object.fromEntries(medians) };
}

const stack = options.bootstrap
  ? null
  : await startStack({ ephemeral: true, report: line => process.stderr.write(`${line}\n`) });
try {
  console.log(JSON.stringify(await measure(options.bootstrap ?? stack!.bootstrapServers)));
} finally {
  await stack?.stop();
}
