import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaClient, type LogClient, type LogRecord } from '#kafka';
import { deadLetterSerde, type Guarantee, guarantees, startCounting } from './counting.ts';

const bootstrapServers = inject('bootstrapServers');
const program = fileURLToPath(new URL('./counting.ts', import.meta.url));
const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
const perRound = 200;

describe('counting on a real broker', () => {
  const running: { end(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of running.splice(0)) await each.end();
  });

  const bench = async (name: string) => {
    const client = kafkaClient({ bootstrapServers, clientId: `${name}-test` });
    running.push({ end: () => client.close() });
    const admin = await client.admin();
    await admin.createTopics(
      ['words', 'totals', 'dead'].map(topic => ({ topic: `${name}-${topic}`, partitions: 3 })),
    );
    return { client, admin, producer: await client.producer() };
  };

  const spawned = (name: string, guarantee: Guarantee): ChildProcess => {
    const child = spawn(process.execPath, [program, bootstrapServers, name, guarantee], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const end = async () => void child.kill('SIGKILL');
    running.push({ end });
    return child;
  };

  for (const guarantee of guarantees) {
    it(`counts each record once although its process is killed again and again (${guarantee})`, async () => {
      const name = `torn-${guarantee}-${Date.now()}`;
      const { client, producer } = await bench(name);
      const rounds = 2;
      for (let round = 0; round < rounds; round += 1) {
        const child = spawned(name, guarantee);
        await once(child.stdout!, 'data');
        for (let i = 0; i < perRound; i += 1) {
          const records = keys.map(key => ({
            topic: `${name}-words`,
            key: Buffer.from(key),
            value: Buffer.from('x'),
          }));
          await producer.send(records);
        }
        await sleep(70 * round);
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      const streams = await startCounting({ bootstrapServers, name, guarantee });
      running.push({ end: () => streams.close() });
      const expected = perRound * rounds;
      const outputs = await readUntil(client, `${name}-totals`, read => {
        const last = lastByKey(read);
        return keys.every(key => last.get(key) === expected);
      });
      for (const key of keys) {
        const values = valuesOf(outputs, key);
        // Nothing is missing; under exactly-once nothing is repeated either.
        expect([...new Set(values)].toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: expected }, (_, i) => i + 1),
        );
        if (guarantee === 'exactly-once') expect(values.length).toBe(expected);
      }
      expect(streams.metrics().counters['restore.records']).toBeGreaterThan(0);
    }, 120_000);
  }

  it('puts a record that cannot be read aside, and the rest flows', async () => {
    const name = `dead-${Date.now()}`;
    const { client, producer } = await bench(name);
    const streams = await startCounting({ bootstrapServers, name, guarantee: 'at-least-once' });
    running.push({ end: () => streams.close() });
    const topic = `${name}-words`;
    const value = Buffer.from('x');
    await producer.send([
      { topic, partition: 1, key: Buffer.from('a'), value },
      { topic, partition: 1, key: null, value, headers: { trace: Buffer.from('7') }, timestampMs: 1_234 },
      { topic, partition: 1, key: Buffer.from('a'), value },
    ]);
    const [letter] = await readUntil(client, `${name}-dead`, read => read.length === 1);
    expect(letter!.key!.toString()).toBe(`${topic}/1`);
    expect(deadLetterSerde.deserialize(letter!.value!)).toMatchObject({
      ...{ topic, partition: 1, offset: 1, timestamp: 1_234, key: null, application: name },
      ...{ stage: 'RECEIVING', code: 'RECORD_CORRUPT' },
    });
    const outputs = await readUntil(client, `${name}-totals`, read => read.length === 2);
    expect(valuesOf(outputs, 'a')).toEqual([1, 2]);
  });
});

/** All readable records of a topic, once they suffice. */
async function readUntil(
  client: LogClient,
  topic: string,
  suffices: (records: readonly LogRecord[]) => boolean,
): Promise<readonly LogRecord[]> {
  const admin = await client.admin();
  const deadline = performance.now() + 60_000;
  const read: LogRecord[] = [];
  const next = new Map<number, number>();
  while (!suffices(read)) {
    if (performance.now() > deadline)
      throw new Error(`${topic}: ${read.length} records are not what was expected`);
    for (const { partition, latest } of await admin.offsets(topic)) {
      const from = next.get(partition) ?? 0;
      if (from >= latest) continue;
      const onBatch = ({ records }: { readonly records: readonly LogRecord[] }) => void read.push(...records);
      next.set(partition, await client.read({ topic, partition, from, onBatch }));
    }
    await sleep(50);
  }
  await admin.close();
  return read;
}

const valuesOf = (records: readonly LogRecord[], key: string) =>
  records.filter(record => record.key!.toString() === key).map(record => Number(record.value!.toString()));

function lastByKey(records: readonly LogRecord[]): ReadonlyMap<string, number> {
  return new Map(records.map(({ key, value }) => [key!.toString(), Number(value!.toString())]));
}
