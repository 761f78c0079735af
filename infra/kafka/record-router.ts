import { SluiceError } from '#errors';
import type { KafkajsLink } from './kafkajs-link.ts';
import { partitionOf } from './murmur2.ts';
import { Lane } from './outgoing-lane.ts';
import type { OutgoingRecord } from './port.ts';
import { refusalOf, ruleConfigs, rulesOf, type TopicRules } from './topic-rules.ts';

export interface RouterSetup {
  readonly link: KafkajsLink;
  readonly gzip: boolean;
  readonly firstSequence: number;
}

interface Topic {
  readonly lanes: readonly Lane[];
  readonly rules: TopicRules;
  /** Looked up again after this time on the monotonic clock; used meanwhile. */
  until: number;
  /** Not used before it is looked up again. */
  isStale: boolean;
  /** Where the next record without a key goes. */
  turn: number;
}

const topicMaxAgeMs = 60_000;

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
    const nowMs = Date.now();
    let name: string | null = null;
    let topic: Topic | undefined;
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]!;
      if (record.topic !== name) {
        name = record.topic;
        topic = this.#topics.get(name);
        if (topic === undefined || topic.isStale) return false;
        if (topic.until < now) this.#refresh(name, topic);
      }
      const refusal = refusalOf(record, topic!.rules, nowMs);
      if (refusal !== null) throw new SluiceError('VALUE_INVALID', `Topic ${name} ${refusal}`);
      lanes[index] = placed(record, topic!);
    }
    return true;
  }

  /** Looks up those topics of the records that are not known. Errors: TOPIC_UNKNOWN. */
  async load(records: readonly OutgoingRecord[]): Promise<void> {
    const missing = new Set<string>();
    for (const { topic } of records) if (this.#topics.get(topic)?.isStale ?? true) missing.add(topic);
    await Promise.all([...missing].map(topic => this.#load(topic)));
  }

  /** Looks the topic's leaders up again. Errors: TOPIC_UNKNOWN. */
  async relocate(topic: string): Promise<void> {
    const known = this.#topics.get(topic);
    if (known === undefined) return;
    this.#setup.link.forget(topic);
    const leaders = await this.#setup.link.leaders(topic);
    this.#know(topic, { leaders, rules: known.rules, isStale: known.isStale });
  }

  /** The topic's rules and leaders are looked up before the next record for it. */
  forget(topic: string): void {
    const known = this.#topics.get(topic);
    if (known) known.isStale = true;
  }

  /** Nobody waits for it; what is found out of date meanwhile, brokers say themselves. */
  #refresh(name: string, topic: Topic): void {
    topic.until = performance.now() + topicMaxAgeMs;
    this.#load(name).catch(() => {
      topic.isStale = true;
    });
  }

  async #load(topic: string): Promise<void> {
    const { link } = this.#setup;
    link.forget(topic);
    const [leaders, settings] = await Promise.all([
      link.leaders(topic),
      link.topicConfig(topic, ruleConfigs),
    ]);
    this.#know(topic, { leaders, rules: rulesOf(settings), isStale: false });
  }

  #know(topic: string, found: Pick<Topic, 'rules' | 'isStale'> & { leaders: readonly number[] }): void {
    const { gzip, firstSequence } = this.#setup;
    const known = this.#topics.get(topic);
    const lanes = found.leaders.map((leader, partition) => {
      const lane = known?.lanes[partition] ?? new Lane({ topic, partition, gzip, firstSequence });
      lane.leader = leader;
      lane.limitBytes = found.rules.limitBytes;
      return lane;
    });
    const until = performance.now() + topicMaxAgeMs;
    this.#topics.set(topic, { ...found, lanes, until, turn: known?.turn ?? 0 });
  }
}

function placed({ topic: name, partition, key, partitionKey }: OutgoingRecord, topic: Topic): Lane {
  const { lanes } = topic;
  if (partition !== undefined) {
    const lane = lanes[partition];
    if (lane) return lane;
    throw new SluiceError(
      'TOPIC_UNKNOWN',
      `Topic ${name} has no partition ${partition}: it has ${lanes.length}`,
    );
  }
  const placing = partitionKey ?? key;
  if (placing !== null) return lanes[partitionOf(placing, lanes.length)]!;
  topic.turn = (topic.turn + 1) % lanes.length;
  return lanes[topic.turn]!;
}
