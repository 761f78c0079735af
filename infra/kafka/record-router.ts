import { SluiceError } from '#errors';
import type { KafkajsLink } from './kafkajs-link.ts';
import { partitionOf } from './murmur2.ts';
import { Lane } from './outgoing-lane.ts';
import type { OutgoingRecord } from './port.ts';
import { batchOverheadBytes, recordBound } from './record-batch.ts';

export interface RouterSetup {
  readonly link: KafkajsLink;
  readonly gzip: boolean;
  readonly firstSequence: number;
}

interface Topic {
  readonly lanes: readonly Lane[];
  readonly limitBytes: number;
  /** Looked up again after this time on the monotonic clock. */
  readonly until: number;
  /** Where the next record without a key goes. */
  turn: number;
}

const topicMaxAgeMs = 60_000;
/** A broker's own default. */
const defaultLimitBytes = 1_048_588;

/** Places records on partitions and knows who leads them. */
export class RecordRouter {
  readonly #setup: RouterSetup;
  readonly #topics = new Map<string, Topic>();

  constructor(setup: RouterSetup) {
    this.#setup = setup;
  }

  /**
   * The lane of each record, into the array given. False when a topic has to be loaded first. Throws TOPIC_UNKNOWN for a
   * partition that is not there and VALUE_INVALID for a record that its topic would not take.
   */
  place(records: readonly OutgoingRecord[], lanes: Lane[]): boolean {
    const now = performance.now();
    let name: string | null = null;
    let topic: Topic | undefined;
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]!;
      if (record.topic !== name) {
        name = record.topic;
        topic = this.#topics.get(name);
        if (topic === undefined || topic.until < now) return false;
      }
      if (recordBound(record) > topic!.limitBytes - batchOverheadBytes) throw tooLarge(record, topic!);
      lanes[index] = placed(record, topic!);
    }
    return true;
  }

  /** Looks up those topics of the records that are not known. Errors: TOPIC_UNKNOWN. */
  async load(records: readonly OutgoingRecord[]): Promise<void> {
    const now = performance.now();
    const missing = new Set<string>();
    for (const { topic } of records) {
      const known = this.#topics.get(topic);
      if (known === undefined || known.until < now) missing.add(topic);
    }
    for (const topic of missing) await this.#load(topic, await this.#limitBytes(topic));
  }

  /** Looks the topic's leaders up again. Errors: TOPIC_UNKNOWN. */
  async relocate(topic: string): Promise<void> {
    const known = this.#topics.get(topic);
    if (known === undefined) return;
    this.#setup.link.forget(topic);
    await this.#load(topic, known.limitBytes);
  }

  /** The topic's limit and leaders are looked up before the next record for it. */
  forget(topic: string): void {
    const known = this.#topics.get(topic);
    if (known) this.#topics.set(topic, { ...known, until: 0 });
  }

  async #limitBytes(topic: string): Promise<number> {
    return (await this.#setup.link.batchLimitBytes(topic)) ?? defaultLimitBytes;
  }

  async #load(topic: string, limitBytes: number): Promise<void> {
    const { link, gzip, firstSequence } = this.#setup;
    const leaders = await link.leaders(topic);
    const known = this.#topics.get(topic);
    const lanes = leaders.map((leader, partition) => {
      const lane = known?.lanes[partition] ?? new Lane({ topic, partition, gzip, firstSequence });
      lane.leader = leader;
      lane.limitBytes = limitBytes;
      return lane;
    });
    const until = performance.now() + topicMaxAgeMs;
    this.#topics.set(topic, { lanes, limitBytes, until, turn: known?.turn ?? 0 });
  }
}

function placed({ topic: name, partition, key }: OutgoingRecord, topic: Topic): Lane {
  const { lanes } = topic;
  if (partition !== undefined) {
    const lane = lanes[partition];
    if (lane) return lane;
    throw new SluiceError(
      'TOPIC_UNKNOWN',
      `Topic ${name} has no partition ${partition}: it has ${lanes.length}`,
    );
  }
  if (key !== null) return lanes[partitionOf(key, lanes.length)]!;
  topic.turn = (topic.turn + 1) % lanes.length;
  return lanes[topic.turn]!;
}

function tooLarge(record: OutgoingRecord, { limitBytes }: Topic): SluiceError {
  return new SluiceError(
    'VALUE_INVALID',
    `A record for ${record.topic} has ${recordBound(record)} bytes; its topic takes batches of ${limitBytes}: send it in parts, or raise the topic's max.message.bytes`,
  );
}
