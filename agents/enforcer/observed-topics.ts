/**
 * Topics of a real broker as a test sees them: what came, and putting things in.
 *
 * Owns: nothing that runs on a node.
 */

import type { LogClient } from '#kafka';
import { type RecordTopicName, type Serdes, type TopicRecord, topicName, topicSpecs } from '#schemas';

const observed = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
  'alerts.v1',
  'policy-status.v1',
  'agents.health.v1',
] as const satisfies readonly RecordTopicName[];

type Observed = (typeof observed)[number];

const partitions = 2;

export class ObservedTopics {
  readonly #client: LogClient;
  readonly #serdes: Serdes;
  readonly #tenant: string;
  readonly #seen = new Map<Observed, unknown[]>(observed.map(name => [name, []]));
  readonly #ended = new AbortController();

  constructor(options: { readonly client: LogClient; readonly serdes: Serdes; readonly tenant: string }) {
    this.#client = options.client;
    this.#serdes = options.serdes;
    this.#tenant = options.tenant;
  }

  /** Creates the tenant's topics and follows those the enforcer writes. */
  async open(): Promise<void> {
    const admin = await this.#client.admin();
    await admin.createTopics(topicSpecs(this.#tenant, { partitions }));
    await admin.close();
    for (const name of observed) for (let i = 0; i < partitions; i++) this.#follow(name, i);
  }

  close(): void {
    this.#ended.abort();
  }

  seen<T extends Observed>(name: T): readonly TopicRecord<T>[] {
    return this.#seen.get(name) as TopicRecord<T>[];
  }

  /** The numbers that arrived, on whichever topic. */
  sequences(): ReadonlySet<number> {
    const numbers = new Set<number>();
    for (const name of observed.slice(0, 5) as readonly Exclude<
      Observed,
      'policy-status.v1' | 'agents.health.v1'
    >[]) {
      for (const { origin } of this.seen(name)) numbers.add(origin.sequence);
    }
    return numbers;
  }

  async put<T extends RecordTopicName>(name: T, key: string, value: TopicRecord<T>): Promise<void> {
    const producer = await this.#client.producer();
    const bytes = this.#serdes.of(name).serialize(value as never);
    await producer.send([{ topic: topicName(this.#tenant, name), key: Buffer.from(key), value: bytes }]);
    await producer.close();
  }

  #follow(name: Observed, partition: number): void {
    const serde = this.#serdes.of(name as 'alerts.v1');
    const seen = this.#seen.get(name)!;
    this.#client
      .read({
        ...{ topic: topicName(this.#tenant, name), partition, from: 0, to: Number.MAX_SAFE_INTEGER },
        onBatch: ({ records }) => {
          for (const { value } of records) if (value) seen.push(serde.deserialize(value));
        },
        signal: this.#ended.signal,
      })
      .catch(() => {});
  }
}

/** Asks until the answer is truthy. Rejects with what it waited for, and what `explain` has to say. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false,
  {
    limitMs = 25_000,
    explain = () => '',
  }: { readonly limitMs?: number; readonly explain?: () => string } = {},
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}\n${explain()}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
