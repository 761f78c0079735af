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
import { type Settled, settledOf } from './health.ts';
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
  /** The kernel's boot id. */
  readonly bootId: string;
  /** Nothing of this boot is older. */
  readonly bootedAtMs: number;
  /** What was pinned was taken over, so its numbers go on. */
  readonly adopted: boolean;
  /** Last number given out when the loader started. */
  readonly sequence: number;
}

export interface Recovered {
  /**
   * The counting run, which is the boot id of every record from here on: the kernel's, with `.2`, `.3`, … behind it when
   * what was pinned was removed and the numbers began anew within one boot.
   */
  readonly runId: string;
  readonly resume: Resume;
}

/** Rejects when the topics cannot be read: try again. */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const statement = await lastStatement(options);
  if (statement && (!options.adopted || options.sequence < statement.settled.sequence)) {
    const nothing = { settledSequence: 0, dropped: {}, deliveredAfter: [] };
    return { runId: nextRun(options.bootId, statement.runId), resume: nothing };
  }
  const runId = statement?.runId ?? options.bootId;
  const sequence = statement?.settled.sequence ?? 0;
  const fromMs = statement?.settled.openSinceMs ?? options.bootedAtMs;
  const found = new Ranges();
  if (options.adopted) {
    for (const name of eventTopics) await collect(options, { name, runId, fromMs, above: sequence, found });
  }
  const dropped = statement?.settled.dropped ?? {};
  return { runId, resume: { settledSequence: sequence, dropped, deliveredAfter: numbersOf(found) } };
}

function nextRun(bootId: string, last: string): string {
  return `${bootId}.${last === bootId ? 2 : Number(last.slice(bootId.length + 1)) + 1}`;
}

interface LastStatement {
  readonly runId: string;
  readonly settled: Settled;
}

async function lastStatement(options: RecoveryOptions): Promise<LastStatement | undefined> {
  const { client, serdes, tenant, agent, bootId, bootedAtMs } = options;
  const topic = topicName(tenant, 'agents.health.v1');
  const serde = serdes.of('agents.health.v1');
  const partitions = await from(client, topic, bootedAtMs);
  const own = partitions.find(
    ({ partition }) => partition === partitionOf(Buffer.from(agent), partitions.length),
  );
  let last: LastStatement | undefined;
  if (!own) return last;
  await readAll(client, { ...own, topic, serdes }, record => {
    if (record.value === null || record.key?.toString('utf8') !== agent) return;
    const health = readable(() => serde.deserialize(record.value!));
    const isOfBoot = health?.bootId === bootId || health?.bootId.startsWith(`${bootId}.`);
    const settled = health && isOfBoot ? settledOf(health) : undefined;
    if (settled) last = { runId: health!.bootId, settled };
  });
  return last;
}

interface Collecting {
  readonly name: (typeof eventTopics)[number];
  readonly runId: string;
  readonly fromMs: number;
  readonly above: number;
  readonly found: Ranges;
}

async function collect(
  options: RecoveryOptions,
  { name, runId, fromMs, above, found }: Collecting,
): Promise<void> {
  const { client, serdes, tenant, cluster, node } = options;
  const topic = topicName(tenant, name);
  const serde = serdes.of(name);
  for (const start of await from(client, topic, fromMs)) {
    await readAll(client, { ...start, topic, serdes }, ({ value }) => {
      const origin = value === null ? undefined : readable(() => serde.deserialize(value))?.origin;
      if (origin?.agent !== 'enforcer' || origin.bootId !== runId) return;
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
