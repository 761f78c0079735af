/**
 * A recording, read from its beginning to its end: files, topics, or both.
 *
 * Owns: the order in which inputs are read, the account of what became of each record, positions to go on from.
 * Does not own: what a record means (#formats), whose events they are (event-subjects.ts).
 *
 * Invariants:
 * R1 What entities say is read before any event, as a pipeline that starts reads it: the outcome does not depend on whether
 *    a container's entity stands before or behind its events. Standard input alone is read once, in its order.
 * R2 Spans of topics end where they were captured, and no consumer group is touched.
 * R3 Going on from positions gives, with what was given before them, every event once.
 */

import { readFileSync } from 'node:fs';
import { SluiceError } from '#errors';
import { alertEvent, type FormatName, type Outcome, type ReadEvent } from '#formats';
import type { LogClient } from '#kafka';
import { type ReadObjects, readEntityObjects } from '#kubernetes';
import {
  type Input,
  type InputAccount,
  listInputs,
  noteOutcome,
  openAccount,
  ReadInput,
  readSpan,
  type Span,
  type SpanRecord,
  spanKey,
} from '#recordings';
import type { Alert, RecordTopicName, Serdes } from '#schemas';
import { EventSubjects, type RecordingSink } from './event-subjects.ts';

/** How far a recording was read, and what became of what was read. */
export interface RecordingState {
  /** Records of a file by its name, the next offset by `topic/partition`. */
  readonly positions: Readonly<Record<string, number>>;
  readonly accounts: readonly InputAccount[];
}

/** Topics to read, up to ends that are fixed. */
export interface RecordedTopics {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly entities: readonly Span[];
  /** Of events and alerts. */
  readonly events: readonly Span[];
}

export interface RecordingOptions {
  /** Files, directories, `-`. */
  readonly from: readonly string[];
  readonly topics?: RecordedTopics;
  /** Of files. Absent: told by the content of each. */
  readonly format?: FormatName;
  /** Files and directories of Kubernetes objects. */
  readonly objects?: readonly string[];
  /** Of events that name none. Absent: `default`. */
  readonly cluster?: string;
  /** Events of that time alone, the second moment left out. */
  readonly sinceUs?: number | undefined;
  readonly untilUs?: number | undefined;
  /** Where an earlier reading stopped. */
  readonly resume?: RecordingState | undefined;
  /** Called every now and then, when all up to the state has been given; a rejection ends the reading with it. */
  readonly progress?: (progress: RecordingProgress) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface RecordingProgress {
  readonly records: number;
  /** Of topics alone; how many a file holds is not known before it ends. */
  readonly total: number | undefined;
  state(): RecordingState;
}

const progressRecords = 20_000;

/** Errors: INPUT_INVALID, CONFIG_INVALID naming the input and the mend; the log's. Damage within an input is in its account. */
export async function readRecording(
  options: RecordingOptions,
  sink: RecordingSink,
): Promise<readonly InputAccount[]> {
  return new RecordingReading(options, sink).read();
}

class RecordingReading {
  readonly #options: RecordingOptions;
  readonly #sink: RecordingSink;
  readonly #subjects: EventSubjects;
  readonly #accounts = new Map<string, InputAccount>();
  readonly #positions: Record<string, number>;
  readonly #total: number | undefined;
  #records = 0;
  #told = 0;

  constructor(options: RecordingOptions, sink: RecordingSink) {
    const { objects = [], cluster = 'default', topics, from, resume } = options;
    this.#options = options;
    this.#sink = sink;
    this.#subjects = new EventSubjects(sink, readObjects(objects, cluster));
    this.#positions = { ...resume?.positions };
    for (const account of resume?.accounts ?? []) {
      this.#accounts.set(account.name, copyOf(account));
      this.#records += account.records;
    }
    this.#told = this.#records;
    this.#total =
      from.length > 0 ? undefined : topics?.events.reduce((sum, each) => sum + each.to - each.from, 0);
  }

  async read(): Promise<readonly InputAccount[]> {
    const inputs = listInputs(this.#options.from);
    await this.#readEntities();
    const ahead = new Set<string>();
    for (const input of inputs) if (await this.#takeEntities(input)) ahead.add(input.name);
    for (const input of inputs) await this.#readFile(input, ahead.has(input.name));
    await this.#readTopics();
    return [...this.#accounts.values()];
  }

  async #readEntities(): Promise<void> {
    const { topics } = this.#options;
    if (!topics) return;
    for (const span of topics.entities) {
      await readSpan(
        { ...span, name: 'entities.v1' },
        {
          ...this.#reading(topics),
          onRecords: records => {
            for (const each of records)
              if ('value' in each)
                this.#sink.entity({
                  key: each.record.key?.toString() ?? '',
                  value: each.value,
                  timestampMs: each.record.timestampMs,
                });
          },
        },
      );
      this.#options.signal?.throwIfAborted();
    }
  }

  #reading({ client, serdes }: RecordedTopics) {
    return { client, serdes, signal: this.#options.signal };
  }

  #fileReading(input: Input): ReadInput {
    const { cluster = 'default', format } = this.#options;
    return new ReadInput(input, { cluster, ...(format && { format }) });
  }

  /** True when the input is a capture, of which the entities then are taken. */
  async #takeEntities(input: Input): Promise<boolean> {
    if (input.isStream) return false;
    const read = this.#fileReading(input);
    for await (const outcome of read.outcomes()) {
      if (read.account.format !== 'sluice') return false;
      if ('entity' in outcome) this.#entity(outcome);
    }
    return read.account.format === 'sluice';
  }

  #entity({ entity, key, timestampMs }: Extract<Outcome, { entity: unknown }>): void {
    if (key !== null) this.#sink.entity({ key, value: entity, timestampMs });
  }

  async #readFile(input: Input, isAhead: boolean): Promise<void> {
    const read = this.#fileReading(input);
    const account = this.#accounts.get(input.name);
    if (account) read.account = account;
    else this.#accounts.set(input.name, read.account);
    const done = this.#positions[input.name] ?? 0;
    let at = 0;
    for await (const outcome of read.outcomes()) {
      at += 1;
      if ('entity' in outcome && !isAhead) this.#entity(outcome);
      if (at <= done) {
        if ('events' in outcome) this.#subjects.meet(outcome.events);
        continue;
      }
      const inTime = this.#inTime(outcome);
      read.note(inTime, 'events' in inTime ? this.#subjects.take(inTime.events) : undefined);
      if (this.#count(1)) await this.#tell(input.name, at);
    }
    await this.#tell(input.name, at);
  }

  async #readTopics(): Promise<void> {
    const { topics } = this.#options;
    if (!topics) return;
    for (const span of topics.events) {
      const account = this.#accounts.get(span.topic) ?? openAccount(span.topic, 'topic');
      this.#accounts.set(span.topic, account);
      const from = Math.max(span.from, this.#positions[spanKey(span)] ?? 0);
      if (from >= span.to) continue;
      await readSpan(
        { ...span, from },
        {
          ...this.#reading(topics),
          onRecords: async (records, next) => {
            for (const each of records) this.#takeRecord(account, span.name, each);
            if (this.#count(records.length)) await this.#tell(spanKey(span), next);
            else this.#positions[spanKey(span)] = next;
          },
        },
      );
      this.#options.signal?.throwIfAborted();
      await this.#tell(spanKey(span), span.to);
    }
  }

  #takeRecord(account: InputAccount, name: RecordTopicName, each: SpanRecord): void {
    const { topic, partition, offset } = each.record;
    if ('error' in each) this.#sink.unreadable?.(each.record, each.error);
    const outcome = this.#inTime(topicOutcome(name, each));
    const failure = 'events' in outcome ? this.#subjects.take(outcome.events) : undefined;
    noteOutcome(account, outcome, { failure, placed: bad => `${topic}/${partition}@${offset}: ${bad}` });
  }

  #inTime(outcome: Outcome): Outcome {
    const { sinceUs = Number.NEGATIVE_INFINITY, untilUs = Number.POSITIVE_INFINITY } = this.#options;
    if (!('events' in outcome)) return outcome;
    const isIn = ({ event }: ReadEvent) => sinceUs <= event.time && event.time < untilUs;
    if (outcome.events.every(isIn)) return outcome;
    const events = outcome.events.filter(isIn);
    const { place } = outcome;
    return events.length > 0 ? { ...outcome, events } : { place, skipped: 'not of the time asked for' };
  }

  /** True when it is time to tell. */
  #count(records: number): boolean {
    this.#records += records;
    return this.#records - this.#told >= progressRecords;
  }

  async #tell(key: string, position: number): Promise<void> {
    this.#positions[key] = position;
    this.#told = this.#records;
    await this.#options.progress?.({
      records: this.#records,
      total: this.#total,
      state: () => ({
        positions: { ...this.#positions },
        accounts: [...this.#accounts.values()].map(copyOf),
      }),
    });
    this.#options.signal?.throwIfAborted();
  }
}

function copyOf(account: InputAccount): InputAccount {
  return { ...account, skipped: new Map(account.skipped), firstBad: [...account.firstBad] };
}

function topicOutcome(name: RecordTopicName, each: SpanRecord): Outcome {
  const { topic, partition, offset } = each.record;
  const place = { line: offset, offsetBytes: 0 };
  if ('error' in each) return { place, bad: each.error.message };
  if (each.value === null) return { place, skipped: 'tombstone' };
  const at = { topic, partition, offset };
  if (name === 'alerts.v1') {
    const event = alertEvent(each.value as Alert);
    return event ? { place, events: [{ ...event, at }] } : { place, skipped: 'alert of nothing' };
  }
  const read = { topic: name, event: each.value, subject: { labels: {} }, at } as ReadEvent;
  return { place, events: [read] };
}

function readObjects(paths: readonly string[], cluster: string): ReadObjects | undefined {
  if (paths.length === 0) return undefined;
  const isObjects = ({ name, isNamed }: Input) => isNamed || /\.(ya?ml|json)$/.test(name);
  const files = listInputs(paths).filter(isObjects);
  const texts = files.map(({ name }) => ({
    source: name,
    text: readFileSync(name === 'stdin' ? 0 : name, 'utf8'),
  }));
  const objects = readEntityObjects(texts, cluster);
  if (objects.changes.length === 0)
    throw new SluiceError(
      'INPUT_INVALID',
      `${paths.join(', ')}: no pods, workloads or Services among the objects`,
    );
  return objects;
}
