/**
 * The outputs of a replay as topics of its own: `<tenant>.replay.<run>.<topic>`.
 *
 * Owns: their names, their life. Values name the schemas of the live topics, so that the same readers read them; no subject is
 * registered for them.
 *
 * Invariant: all of them are whole, or none is there: a run that fails half-way takes away what it made.
 */

import { SluiceError } from '#errors';
import type { LogClient, LogRecord, OutgoingRecord } from '#kafka';
import { behaviourKey, checkTenant, type DeadLetter, deadLetterKey, type Serdes } from '#schemas';
import type { NotLearned } from '../../enrich/index.ts';
import type { Replayed } from './replay.ts';

export const outputTopics = ['behaviours.v1', 'policies.v1', 'dead-letters.v1'] as const;

export interface ReplayTopics {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
  readonly run: string;
}

const runForm = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
const dayMs = 86_400_000;
const chunkRecords = 500;

/** The run itself when it is fit to be part of topic names. Errors: CONFIG_INVALID. */
export function checkRun(run: string): string {
  if (runForm.test(run)) return run;
  throw new SluiceError(
    'CONFIG_INVALID',
    `run ${JSON.stringify(run)}: use 1 to 64 lower case letters, digits and inner hyphens`,
  );
}

export function replayTopicName(
  { tenant, run }: Pick<ReplayTopics, 'tenant' | 'run'>,
  name: (typeof outputTopics)[number],
): string {
  return `${checkTenant(tenant)}.replay.${checkRun(run)}.${name}`;
}

/**
 * Resolves with the topics' names. They are kept for a week.
 * Errors: INPUT_INVALID when the run has topics already; the log's.
 */
export async function writeReplay(topics: ReplayTopics, replayed: Replayed): Promise<readonly string[]> {
  const names = outputTopics.map(name => replayTopicName(topics, name));
  const admin = await topics.client.admin();
  try {
    const config = { 'cleanup.policy': 'delete', 'retention.ms': String(7 * dayMs) };
    const created = await admin.createTopics(names.map(topic => ({ topic, partitions: 1, config })));
    if (created.length < names.length) {
      await admin.deleteTopics(created);
      const mend = 'name another run with --run, or delete its topics';
      throw new SluiceError('INPUT_INVALID', `The run ${topics.run} has topics already: ${mend}`);
    }
    try {
      await send(topics, replayed);
    } catch (error) {
      await admin.deleteTopics(names).catch(() => {});
      throw error;
    }
    return names;
  } finally {
    await admin.close();
  }
}

async function send(topics: ReplayTopics, { profiles, policies, deadLetters }: Replayed): Promise<void> {
  const { client, serdes } = topics;
  const letters = await readLetters(topics, deadLetters);
  const records: OutgoingRecord[] = [
    ...profiles.map(profile => ({
      topic: replayTopicName(topics, 'behaviours.v1'),
      key: Buffer.from(behaviourKey(profile)),
      value: serdes.of('behaviours.v1').serialize(profile),
    })),
    ...policies.map(policy => ({
      topic: replayTopicName(topics, 'policies.v1'),
      key: Buffer.from(policy.policyId),
      value: serdes.of('policies.v1').serialize(policy),
    })),
    ...letters.map(letter => ({
      topic: replayTopicName(topics, 'dead-letters.v1'),
      key: Buffer.from(deadLetterKey(letter)),
      value: serdes.of('dead-letters.v1').serialize(letter),
    })),
  ];
  const producer = await client.producer();
  try {
    for (let at = 0; at < records.length; at += chunkRecords)
      await producer.send(records.slice(at, at + chunkRecords));
  } finally {
    await producer.close();
  }
}

/** The records behind them, read again byte for byte; those of files are in no topic and are left out. */
async function readLetters(
  { client, run, tenant }: ReplayTopics,
  refused: readonly NotLearned[],
): Promise<DeadLetter[]> {
  const application = `${tenant}.replay.${run}`;
  const letters: DeadLetter[] = [];
  const ofTopics = refused.filter(({ topic }) => topic.startsWith(`${tenant}.`));
  const byPartition = Map.groupBy(ofTopics, ({ topic, partition }) => `${topic}/${partition}`);
  for (const each of byPartition.values()) {
    const byOffset = new Map(each.map(one => [one.offset, one]));
    const offsets = [...byOffset.keys()];
    const { topic, partition } = each[0]!;
    await client.read({
      ...{ topic, partition, from: Math.min(...offsets), to: Math.max(...offsets) + 1 },
      onBatch: ({ records }) => {
        for (const record of records) {
          const reason = byOffset.get(record.offset);
          if (reason) letters.push(letterOf(record, reason, application));
        }
      },
    });
  }
  return letters;
}

function letterOf(
  { timestampMs, headers, ...record }: LogRecord,
  { code, message }: NotLearned,
  application: string,
): DeadLetter {
  const stage = code === 'IDENTITY_UNKNOWN' ? 'PROCESSING' : 'RECEIVING';
  return { ...record, timestamp: timestampMs, headers: { ...headers }, application, stage, code, message };
}

/** Deletes the topics of a run; those that are not there are left out. */
export async function removeReplay(topics: Pick<ReplayTopics, 'client' | 'tenant' | 'run'>): Promise<void> {
  const admin = await topics.client.admin();
  try {
    await admin.deleteTopics(outputTopics.map(name => replayTopicName(topics, name)));
  } finally {
    await admin.close();
  }
}
