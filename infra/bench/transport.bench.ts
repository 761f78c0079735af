import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { kafkaClient } from '#kafka';
import { startStack } from '#local';
import { type Contestant, raw } from '../kafka/kafkajs-baseline.ts';
import { adapter, partitions, readAll, sendsOf } from './transport.ts';

/**
 * Rates of the transport against kafkajs as it comes, in one run, on the same broker, in turn; medians of the rounds, and
 * the processor time that this process spent on each record produced.
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
const shapes = [
  { valueBytes: 100, perSend: 1_000, not: null },
  { valueBytes: 200, perSend: 1_000, not: null },
  // kafkajs makes one batch of all that a send has for a partition, which brokers refuse when it is so much.
  { valueBytes: 100, perSend: 20_000, not: 'kafkajs' },
  { valueBytes: 200, perSend: 20_000, not: 'kafkajs' },
];
/** What is consumed is of this shape. */
const consumed = shapes[1]!;

async function measure(bootstrapServers: string) {
  const client = kafkaClient({ bootstrapServers, clientId: 'bench' });
  const admin = await client.admin();
  const contestants: Record<string, Contestant> = { sluice: adapter(client), kafkajs: raw(bootstrapServers) };
  const rates = new Medians('records/s');
  const cpu = new Medians('us/record');
  for (let round = 0; round < rounds; round += 1) {
    for (const shape of shapes) {
      for (const [name, contestant] of Object.entries(contestants)) {
        if (shape.not === name) continue;
        const topic = `bench-${randomUUID().slice(0, 8)}`;
        await admin.createTopics([{ topic, partitions }]);
        const sends = sendsOf(topic, { records, ...shape });
        const what = `produce ${name} ${shape.valueBytes} bytes by ${shape.perSend}`;
        const before = process.cpuUsage();
        rates.note(what, rate(records, await contestant.produce(topic, sends)));
        const { user, system } = process.cpuUsage(before);
        cpu.note(what, (user + system) / records);
        if (shape === consumed) {
          rates.note(`consume ${name}`, rate(records, await contestant.consume(topic, records)));
          if (name === 'sluice') {
            const read = await readAll(client, topic);
            if (read.records !== records) throw new Error(`read ${read.records} of ${records} records`);
            rates.note('read sluice', rate(records, read.tookMs));
          }
        }
        await admin.deleteTopics([topic]);
      }
    }
  }
  await client.close();
  return { bench: 'transport', records, rounds, recordsPerSecond: rates.all(0), cpuUsPerRecord: cpu.all(2) };
}

const rate = (count: number, tookMs: number) => (count / tookMs) * 1000;

class Medians {
  readonly #unit: string;
  readonly #noted = new Map<string, number[]>();

  constructor(unit: string) {
    this.#unit = unit;
  }

  note(what: string, value: number): void {
    this.#noted.set(what, [...(this.#noted.get(what) ?? []), value]);
    const shown = value.toLocaleString('en', { maximumSignificantDigits: 3 });
    console.log(`${what.padEnd(40)} ${shown} ${this.#unit}`);
  }

  all(digits: number): Record<string, number> {
    const medians = [...this.#noted].map(([what, values]) => {
      const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
      return [what.replaceAll(' ', '_'), Number(median.toFixed(digits))];
    });
    return Object.fromEntries(medians);
  }
}

const stack = options.bootstrap
  ? null
  : await startStack({ ephemeral: true, report: line => process.stderr.write(`${line}\n`) });
try {
  console.log(JSON.stringify(await measure(options.bootstrap ?? stack!.bootstrapServers)));
} finally {
  await stack?.stop();
}
