import { SluiceError } from '#errors';
import type { MemoryGroup } from './memory-group.ts';
import type { MemoryPartition, TransactionMark } from './memory-partition.ts';
import type { MemoryTopics } from './memory-topics.ts';
import type {
  LogTransaction,
  OutgoingRecord,
  PartitionEnd,
  TopicPartitionOffset,
  TransactionalProducer,
} from './port.ts';
import { endsOf } from './written-ends.ts';

interface Open {
  readonly mark: TransactionMark;
  readonly touched: Set<MemoryPartition>;
  readonly offsets: { group: MemoryGroup; positions: readonly TopicPartitionOffset[] }[];
}

/** The transactional ids of a log: which producer is the latest of each, and what it has open. */
export class MemoryTransactions {
  readonly #latest = new Map<string, MemoryTransactionalProducer>();
  readonly #topics: MemoryTopics;
  readonly #group: (groupId: string) => MemoryGroup;

  constructor(topics: MemoryTopics, group: (groupId: string) => MemoryGroup) {
    this.#topics = topics;
    this.#group = group;
  }

  producer(transactionalId: string): MemoryTransactionalProducer {
    this.#latest.get(transactionalId)?.fence();
    const made = new MemoryTransactionalProducer(transactionalId, this.#topics, this.#group);
    this.#latest.set(transactionalId, made);
    return made;
  }
}

export class MemoryTransactionalProducer implements TransactionalProducer {
  readonly #id: string;
  readonly #topics: MemoryTopics;
  readonly #group: (groupId: string) => MemoryGroup;
  #open: Open | null = null;
  #state: 'live' | 'fenced' | 'closed' = 'live';

  constructor(id: string, topics: MemoryTopics, group: (groupId: string) => MemoryGroup) {
    this.#id = id;
    this.#topics = topics;
    this.#group = group;
  }

  async begin(): Promise<LogTransaction> {
    this.#guard();
    if (this.#open) {
      throw new SluiceError(
        'BUG',
        `Transactional id ${this.#id}: end the open transaction before beginning another`,
      );
    }
    const open: Open = { mark: { state: 'open' }, touched: new Set(), offsets: [] };
    this.#open = open;
    return {
      send: async records => this.#send(open, records),
      sendOffsets: async (groupId, positions) => {
        this.#guard(open);
        open.offsets.push({ group: this.#group(groupId), positions: [...positions] });
      },
      commit: async () => {
        this.#guard(open);
        this.#end('committed');
      },
      abort: async () => {
        this.#guard(open);
        this.#end('aborted');
      },
    };
  }

  async close(): Promise<void> {
    if (this.#open) this.#end('aborted');
    if (this.#state === 'live') this.#state = 'closed';
  }

  fence(): void {
    if (this.#open) this.#end('aborted');
    this.#state = 'fenced';
  }

  /** Leaves an open transaction open, as a killed process does: the next producer of the id ends it. */
  abandon(): void {
    if (this.#state === 'live') this.#state = 'closed';
  }

  #send(open: Open, records: readonly OutgoingRecord[]): readonly PartitionEnd[] {
    this.#guard(open);
    const written = this.#topics.append(records, open.mark);
    for (const each of written) open.touched.add(this.#topics.partition(each));
    return endsOf(written);
  }

  #end(state: 'committed' | 'aborted'): void {
    const { mark, touched, offsets } = this.#open!;
    this.#open = null;
    mark.state = state;
    for (const partition of touched) partition.endTransaction(mark);
    if (state === 'committed') for (const { group, positions } of offsets) group.commit(positions);
    for (const partition of touched) partition.notify();
  }

  #guard(open?: Open): void {
    if (this.#state === 'fenced') {
      throw new SluiceError(
        'PRODUCER_FENCED',
        `Transactional id ${this.#id} was taken over by a newer producer`,
      );
    }
    if (this.#state === 'closed')
      throw new SluiceError('BUG', `Transactional id ${this.#id}: the producer is closed`);
    if (open && open !== this.#open) {
      throw new SluiceError('BUG', `Transactional id ${this.#id}: the transaction has ended; begin another`);
    }
  }
}
