/**
 * Policies from a capture file, without a broker.
 *
 * Owns: running the two pipelines over the records of a file, and the account of what became of each of them.
 * Does not own: what is learned and written (pipelines/enrich, pipelines/discovery).
 *
 * Entities are read first, as a pipeline that starts reads them to their end: a file gives the same policies whether a
 * container's entity stands before or behind its events.
 */

import { SluiceError } from '#errors';
import {
  type CapturedRecord,
  type CapturedTopic,
  isCapturedTopic,
  localSerdes,
  type Policy,
  readCapture,
  unwrapCaptured,
} from '#schemas';
import { type DeadLetter, type TestDriver, testDriver } from '#streams';
import { discoveryDefaults, discoveryTopology, type EmitterName } from '../pipelines/discovery/index.ts';
import { enrichDefaults, enrichTopology, learnedTopics } from '../pipelines/enrich/index.ts';

export interface DiscoverOptions {
  readonly path: string;
  readonly emit: readonly EmitterName[];
  /** Called every now and then with the number of records read. */
  readonly progress?: (records: number) => void;
}

/** What became of the records: events = learned + the sum of ignored + the dead letters among them. */
export interface Discovered {
  /** By policy id. */
  readonly policies: readonly Policy[];
  readonly records: number;
  readonly entities: number;
  readonly events: number;
  readonly learned: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly deadLetters: readonly DeadLetter[];
}

const tenant = 'capture';
const chunkRecords = 2000;
const progressRecords = 50_000;

/** Errors: INPUT_INVALID naming file, block or record, and the mend. */
export async function discoverCapture({ path, emit, progress }: DiscoverOptions): Promise<Discovered> {
  const serdes = localSerdes();
  const enrich = testDriver(enrichTopology({ tenant, serdes }));
  const entities = await feed(enrich, path, { wanted: topic => topic === 'entities.v1' });
  const isLearned = (topic: CapturedTopic) => (learnedTopics as readonly string[]).includes(topic);
  const others: Record<string, number> = {};
  const events = await feed(enrich, path, {
    wanted: isLearned,
    ...(progress && { progress }),
    passed: topic => {
      if (topic !== 'entities.v1') others[topic] = (others[topic] ?? 0) + 1;
    },
  });
  // What waits for its container has waited long enough.
  enrich.advance(enrichDefaults.holdMs + enrichDefaults.flushMs);
  enrich.advance(enrichDefaults.holdMs + enrichDefaults.flushMs);

  const discovery = testDriver(discoveryTopology({ tenant, serdes, settings: { emit } }));
  const profiles = enrich.read<string, unknown>(`${tenant}.behaviours.v1`);
  discovery.pipe(
    `${tenant}.behaviours.v1`,
    profiles.map(({ key, value, timestampMs }) => ({ key, value, timestampMs })),
  );
  discovery.advance(discoveryDefaults.maxWaitMs);
  const policies = new Map<string, Policy>();
  for (const { key, value } of discovery.read<string, Policy>(`${tenant}.policies.v1`))
    policies.set(key, value);

  const { counters } = enrich;
  const ignored: Record<string, number> = { ...others };
  for (const reason of ['verdict', 'host', 'irrelevant']) {
    const count = counters.get(`records.dropped.${reason}`);
    if (count > 0) ignored[reason] = count;
  }
  return {
    policies: [...policies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, policy]) => policy),
    records: entities.records,
    entities: entities.taken,
    events: events.records - entities.taken,
    learned: counters.get('events.learned'),
    ignored,
    deadLetters: enrich.deadLetters(),
  };
}

interface FeedOptions {
  readonly wanted: (topic: CapturedTopic) => boolean;
  readonly passed?: (topic: string) => void;
  readonly progress?: (records: number) => void;
}

async function feed(
  driver: TestDriver,
  path: string,
  { wanted, passed, progress }: FeedOptions,
): Promise<{ records: number; taken: number }> {
  let records = 0;
  let taken = 0;
  for await (const record of readable(path)) {
    records += 1;
    if (records % progressRecords === 0) progress?.(records);
    const { topic } = record;
    if (!isCapturedTopic(topic) || !wanted(topic)) {
      passed?.(topic);
      continue;
    }
    const value = unwrapCaptured(topic, record);
    driver.append(`${tenant}.${topic}`, { key: record.key, value, timestampMs: record.timestamp });
    taken += 1;
    if (taken % chunkRecords === 0) driver.run();
  }
  driver.run();
  return { records, taken };
}

/** Damage of a file is the user's to mend, where damage of a topic's record would be put aside. */
async function* readable(path: string): AsyncGenerator<CapturedRecord> {
  try {
    yield* readCapture(path);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.reaction !== 'dead-letter') throw error;
    throw new SluiceError(
      'INPUT_INVALID',
      `${error.message}; record it again, or copy it again if it was cut on its way`,
      {
        cause: error,
      },
    );
  }
}
