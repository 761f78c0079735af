/**
 * Finds out, from the topics alone, what a predecessor on the same boot delivered.
 *
 * Owns: the last statement in agents.health.v1, the numbers in events.* and alerts.v1 beyond it.
 * Does not own: the arithmetic (books.ts), the memory of counters in a health record (health.ts).
 * The event topics are keyed by event time, so reading starts at the time the statement says nothing older was open.
 */

import { type LogBatch, type LogClient, type LogRecord, partitionOf } from '#kafka';
import { type RecordTopicName, type Serdes, topicName } from '#schemas';
import type { Resume } from './books.ts';
import { settledOf } from './health.ts';
import { Ranges } from './ranges.ts';

/** The topics on which the enforcer puts its numbers. */
export const eventTopics = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
  'alerts.v1',
] as const satisfies readonly RecordTopicName[];

export interface RecoveryOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  /** Key of this agent's health records. */
  readonly agent: string;
  readonly cluster: string;
  readonly node: string;
  readonly bootId: string;
  /** Nothing of this boot is older. */
  readonly bootedAtMs: number;
}

/** Rejects when the topics cannot be read: try again. */
export async function recover(options: RecoveryOptions): Promise<Resume> {
  const statement = await lastStatement(options);
  const sequence = statement?.sequence ?? 0;
  const found = new Ranges();
  const fromMs = statement?.openSinceMs ?? options.bootedAtMs;
  for (const name of eventTopics) await collect(options, { name, fromMs, above: sequence, found });
  return {
    settledSequence: sequence,
    dropped: statement?.dropped ?? {},
    deliveredAfter: numbersOf(found),
  };
}

async function lastStatement({ client, serdes, tenant, agent, bootId, bootedAtMs }: RecoveryOptions) {
  const topic = topicName(tenant, 'agents.health.v1');
  const serde = serdes.of('agents.health.v1');
  const partitions = await from(client, topic, bootedAtMs);
  const own = partitions.find(
    ({ partition }) => partition === partitionOf(Buffer.from(agent), partitions.length),
  );
  let last: ReturnType<typeof settledOf>;
  if (!own) return last;
  await readAll(client, { ...own, topic, serdes }, record => {
    if (record.value === null || record.key?.toString('utf8') !== agent) return;
    const health = readable(() => serde.deserialize(record.value!));
    if (health?.bootId === bootId) last = settledOf(health) ?? last;
  });
  return last;
}

interface Collecting {
  readonly name: (typeof eventTopics)[number];
  readonly fromMs: number;
  readonly above: number;
  readonly found: Ranges;
}

async function collect(options: RecoveryOptions, { name, fromMs, above, found }: Collecting): Promise<void> {
  const { client, serdes, tenant, cluster, node, bootId } = options;
  const topic = topicName(tenant, name);
  const serde = serdes.of(name);
  for (const start of await from(client, topic, fromMs)) {
    await readAll(client, { ...start, topic, serdes }, ({ value }) => {
      const origin = value === null ? undefined : readable(() => serde.deserialize(value))?.origin;
      if (origin?.agent !== 'enforcer' || origin.bootId !== bootId) return;
      if (origin.cluster !== cluster || origin.node !== node || origin.sequence <= above) return;
      found.add(origin.sequence);
    });
  }
}

async function from(client: LogClient, topic: string, timestampMs: number) {
  const admin = await client.admin();
  try {
    return await admin.offsetsForTime(topic, timestampMs);
  } finally {
    await admin.close();
  }
}

interface ReadingFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly serdes: Serdes;
}

async function readAll(
  client: LogClient,
  { topic, partition, offset, serdes }: ReadingFrom,
  onRecord: (record: LogRecord) => void,
): Promise<void> {
  const onBatch = async (batch: LogBatch) => {
    await serdes.prepareFor(batch.records.map(record => record.value));
    for (const record of batch.records) onRecord(record);
  };
  await client.read({ topic, partition, from: offset, onBatch });
}

/** A record that cannot be read is none of ours: we wrote ours with the schema we know. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function* numbersOf(ranges: Ranges): Iterable<number> {
  for (const { first, last } of ranges.runs) for (let n = first; n <= last; n++) yield n;
}
