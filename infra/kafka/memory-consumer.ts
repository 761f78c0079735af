import { classify, type Reaction, SluiceError } from '#errors';
import { keyOf } from './assignment.ts';
import type { MemoryGroup, MemoryMember } from './memory-group.ts';
import type { MemoryPartition } from './memory-partition.ts';
import type {
  ConsumerHandler,
  ConsumerOptions,
  GroupMember,
  GroupView,
  LogConsumer,
  TopicPartition,
  TopicPartitionOffset,
} from './port.ts';

/** What a consumer needs of the log it reads. */
export interface MemorySource {
  /** Throws TOPIC_UNKNOWN. */
  partition(where: TopicPartition): MemoryPartition;
  /** Throws TOPIC_UNKNOWN. */
  requireTopic(topic: string): void;
  group(groupId: string): MemoryGroup;
  /** Counts work in progress, so that the log can tell when all is quiet. */
  busy<T>(work: () => Promise<T>): Promise<T>;
}

/** A held partition; replaced at each assignment, so that what an old handler does to it reaches nobody. */
interface Holding {
  readonly log: MemoryPartition;
  position: number;
  running: Promise<void> | null;
  /** Counts seeks: a handler that outlives one must not move the position. */
  seeks: number;
}

const defaultBatchBytes = 1_048_576;
const defaultFailureLimit = 10;
// Taken before any test replaces it: handing out is not what a test's clock drives.
const { setImmediate: nextTurn } = globalThis;

/** The in-process consumer. Batches are handed out one turn of the event loop apart, in rotation over the partitions. */
export class MemoryConsumer implements LogConsumer, MemoryMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly #source: MemorySource;
  readonly #options: ConsumerOptions;
  readonly #group: MemoryGroup;
  readonly #paused = new Set<string>();
  readonly #wake = () => this.#schedule();
  #handler: ConsumerHandler | null = null;
  #holdings = new Map<string, Holding>();
  #active = false;
  #assignments = 0;
  #revoking = false;
  #scheduled = false;
  #assigning: Promise<void> = Promise.resolve();
  #failures = 0;
  #state: 'new' | 'running' | 'closing' | 'closed' | 'killed' = 'new';
  #closed: Promise<void> | null = null;

  constructor(source: MemorySource, options: ConsumerOptions, place: { clientId: string; turn: number }) {
    this.#source = source;
    this.#options = options;
    this.clientId = place.clientId;
    this.memberId = `${place.clientId}-${place.turn}`;
    this.#group = source.group(options.groupId);
  }

  get topics(): readonly string[] {
    return this.#options.topics;
  }

  async run(handler: ConsumerHandler): Promise<void> {
    if (this.#state !== 'new')
      throw new SluiceError(
        'BUG',
        `${this.#name}: run was called on a consumer that already ran or was closed; make a new one`,
      );
    for (const topic of this.topics) this.#source.requireTopic(topic);
    this.#handler = handler;
    this.#state = 'running';
    await this.#source.busy(() => this.#group.join(this));
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    const lost = offsets.find(position => !this.#holdings.has(keyOf(position)));
    if (lost) {
      throw new SluiceError(
        'REBALANCED',
        `${this.#name} does not hold ${keyOf(lost)}, so its offset was not committed; its new holder starts from the last commit`,
      );
    }
    this.#group.commit(offsets);
  }

  seek(position: TopicPartitionOffset): void {
    const holding = this.#holdings.get(keyOf(position));
    if (!holding) return;
    holding.position = position.offset;
    holding.seeks += 1;
    this.#schedule();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(keyOf(partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(keyOf(partition));
    this.#schedule();
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  /** Ends as a killed process does: no callback, no commit; the group goes on without it. */
  kill(): void {
    this.#state = 'killed';
    this.#drop();
    this.#group.remove(this);
  }

  async revoke(): Promise<void> {
    if (this.#state === 'killed') return;
    this.#active = false;
    this.#revoking = true;
    await this.#assigning;
    await Promise.all([...this.#holdings.values()].map(holding => holding.running));
    const partitions = this.#held();
    if (partitions.length > 0) {
      try {
        await this.#handler!.onRevoked?.(partitions);
      } catch (error) {
        this.#reject(error, () => {});
      }
    }
    this.#drop();
    this.#revoking = false;
  }

  claims() {
    const { member, standbys = 0 } = this.#options;
    const { endpoint = null, warm = [] } = member?.() ?? {};
    return { endpoint, warm, standbys };
  }

  assigned(partitions: readonly TopicPartition[], members: readonly GroupMember[]): void {
    if (this.#state !== 'running') return;
    this.#assignments += 1;
    for (const where of partitions) {
      const log = this.#source.partition(where);
      this.#holdings.set(keyOf(where), { log, position: -1, running: null, seeks: 0 });
      log.listeners.add(this.#wake);
    }
    const me = members.find(member => member.memberId === this.memberId)!;
    this.#assigning = this.#source.busy(() => this.#start(partitions, { me, members }));
  }

  async #start(partitions: readonly TopicPartition[], group: GroupView): Promise<void> {
    const current = this.#assignments;
    const isStale = () => this.#state !== 'running' || this.#revoking || this.#assignments !== current;
    try {
      await this.#handler!.onAssigned?.(partitions, group, { isStale });
    } catch (error) {
      this.#reject(error, () => this.#rejoin());
      return;
    }
    // Only now: what onAssigned fenced or committed counts (P7).
    for (const holding of this.#holdings.values()) {
      if (holding.position < 0) holding.position = this.#startOf(holding.log);
    }
    this.#active = this.#state === 'running' && !this.#revoking;
    this.#schedule();
  }

  #startOf(log: MemoryPartition): number {
    return this.#group.committed(log) ?? this.#firstOf(log);
  }

  #firstOf(log: MemoryPartition): number {
    return this.#options.startFrom === 'earliest' ? log.earliest : log.end;
  }

  #schedule(): void {
    if (this.#scheduled || !this.#active) return;
    this.#scheduled = true;
    void this.#source.busy(
      () =>
        new Promise<void>(resolve => {
          nextTurn(() => {
            this.#scheduled = false;
            this.#handOut();
            resolve();
          });
        }),
    );
  }

  /** Starts as many handlers as may run. A partition handed out goes to the back of the rotation. */
  #handOut(): void {
    let free = this.#options.partitionsAtOnce ?? 1;
    for (const holding of this.#holdings.values()) if (holding.running) free -= 1;
    for (const [key, holding] of [...this.#holdings]) {
      if (free <= 0 || !this.#active) return;
      if (holding.running || this.#paused.has(key) || holding.position >= holding.log.readableEnd) continue;
      this.#holdings.delete(key);
      this.#holdings.set(key, holding);
      free -= 1;
      holding.running = this.#source.busy(() => this.#handle(holding));
    }
  }

  async #handle(holding: Holding): Promise<void> {
    const { seeks } = holding;
    // The log no longer holds the position.
    if (holding.position < holding.log.earliest) holding.position = this.#firstOf(holding.log);
    const maxBytes = this.#options.maxBytesPerPartition ?? defaultBatchBytes;
    const { nextOffset, ...batch } = holding.log.slice(holding.position, maxBytes);
    const isStale = () =>
      !this.#active || holding.seeks !== seeks || this.#holdings.get(keyOf(batch)) !== holding;
    try {
      if (batch.records.length > 0) {
        await this.#handler!.onBatch(batch, { heartbeat: async () => {}, isStale });
      }
      if (holding.seeks === seeks) holding.position = nextOffset;
      this.#failures = 0;
    } catch (error) {
      // After `retry` the position stands where it stood; while being revoked, joining again is under way already.
      this.#reject(error, reaction => reaction === 'rejoin' && this.#active && this.#rejoin());
    } finally {
      holding.running = null;
      this.#schedule();
    }
  }

  /** Reacts to a handler's error; must not wait, since the handler's own end may be what others wait for. */
  #reject(error: unknown, again: (reaction: Reaction) => void): void {
    if (this.#state !== 'running') return;
    const known = classify(error);
    this.#failures += 1;
    const mendable = known.reaction === 'retry' || known.reaction === 'rejoin';
    if (mendable && this.#failures < (this.#options.failureLimit ?? defaultFailureLimit)) {
      again(known.reaction);
    } else {
      void this.close().then(() => this.#handler!.onFailed?.(known));
    }
  }

  #rejoin(): void {
    void this.#source.busy(() => this.#group.join(this));
  }

  async #end(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'closing';
      this.#active = false;
      await this.#source.busy(() => this.#group.leave(this));
    }
    if (this.#state !== 'killed') this.#state = 'closed';
  }

  #held(): TopicPartition[] {
    return [...this.#holdings.values()].map(({ log }) => ({ topic: log.topic, partition: log.partition }));
  }

  #drop(): void {
    this.#active = false;
    for (const { log } of this.#holdings.values()) log.listeners.delete(this.#wake);
    this.#holdings = new Map();
  }

  get #name(): string {
    return `Consumer of group ${this.#options.groupId}`;
  }
}
