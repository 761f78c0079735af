/**
 * The step from events to grown profiles.
 *
 * Owns: holding events whose container is not known yet, putting aside what cannot be told, when profiles are passed on.
 * Does not own: what an event means (learner.ts).
 *
 * Every event ends in exactly one way: learned, dropped under a reason, or a dead letter IDENTITY_UNKNOWN. A held event is
 * tried again whenever entities change; it becomes a dead letter after `holdMs` of the clock, or at once when
 * `holdLimit` are held already.
 */

import { SluiceError } from '#errors';
import { alertEvent } from '#formats';
import type { LogRecord } from '#kafka';
import { type Alert, type DeadLetter, parseTopicName, type Serdes, textSerde } from '#schemas';
import {
  type GlobalTable,
  type KeyValueSpec,
  type KeyValueStore,
  keyValueStore,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
} from '#streams';
import type { EntityIntervals } from './entity-intervals.ts';
import { Learner, type Outcome, type Place } from './learner.ts';
import type { LearnableEvent } from './observe.ts';
import type { GrowingProfile } from './profile.ts';
import { profileSerde } from './profile-serde.ts';

export interface LearnSettings {
  /** How long what was learned may wait before it is passed on. */
  readonly flushMs: number;
  /** How long, and how many events a task, an unknown container is waited for. */
  readonly holdMs: number;
  readonly holdLimit: number;
  /** Whether what belongs to no container is learned, as its node's. */
  readonly hosts: boolean;
}

export interface LearnStores {
  readonly grown: KeyValueSpec<string, GrowingProfile>;
  /** Events as they were read, under code and message of what they will be put aside with. */
  readonly held: KeyValueSpec<string, DeadLetter>;
}

export function learnStores(serdes: Serdes): LearnStores {
  return {
    grown: keyValueStore({ name: 'grown', key: textSerde, value: profileSerde(serdes) }),
    held: keyValueStore({ name: 'held', key: textSerde, value: serdes.of('dead-letters.v1') }),
  };
}

export interface LearnOptions {
  readonly serdes: Serdes;
  readonly entities: GlobalTable<EntityIntervals>;
  readonly stores: LearnStores;
  readonly settings: LearnSettings;
}

type Context = ProcessorContext<string, GrowingProfile>;

/** Alerts are of what was audited or denied, and that is an event like any other, with its verdict. */
export type Reported = LearnableEvent | Alert;

export class Learn implements Processor<string, Reported, string, GrowingProfile> {
  readonly #options: LearnOptions;
  readonly #heldSinceMs = new Map<string, number>();
  #context!: Context;
  #intervals!: EntityIntervals;
  #learner!: Learner;
  #grown!: KeyValueStore<string, GrowingProfile>;
  #held!: KeyValueStore<string, DeadLetter>;
  #triedVersion = -1;
  #last: StreamRecord<string, Reported> | null = null;

  constructor(options: LearnOptions) {
    this.#options = options;
  }

  init(context: Context): void {
    const { entities, stores, settings } = this.#options;
    this.#context = context;
    this.#grown = context.store(stores.grown);
    this.#held = context.store(stores.held);
    this.#intervals = context.global(entities);
    this.#learner = new Learner(this.#intervals, this.#grown, settings);
    context.schedule(settings.flushMs, 'wall-clock', () => {
      this.#retryHeld();
      this.#flush();
    });
  }

  process(record: StreamRecord<string, Reported>): void {
    this.#last = record;
    const outcome = this.#take(record.value, record.origin);
    if (this.#count(outcome)) return;
    const error = refusal(outcome);
    if (outcome.type === 'refused' || this.#held.size >= this.#options.settings.holdLimit) throw error;
    this.#hold(this.#context.received!, error);
  }

  #take(reported: Reported, place: Place): Outcome {
    const event = 'rule' in reported ? alertEvent(reported)?.event : reported;
    return event
      ? this.#learner.take(event as LearnableEvent, place)
      : { type: 'ignored', reason: 'irrelevant' };
  }

  /** True when the event is dealt with. */
  #count(outcome: Outcome): boolean {
    if (outcome.type === 'learned') this.#context.count('events.learned');
    if (outcome.type === 'ignored') this.#context.drop(outcome.reason);
    return outcome.type === 'learned' || outcome.type === 'ignored';
  }

  #hold({ timestampMs, ...record }: LogRecord, { code, message, stage }: SluiceError): void {
    const key = `${record.topic}/${record.partition}@${String(record.offset).padStart(16, '0')}`;
    const letter = { ...record, headers: { ...record.headers }, timestamp: timestampMs };
    this.#held.put(key, { ...letter, application: '', stage, code, message });
    this.#heldSinceMs.set(key, this.#context.clock.now());
    this.#context.count('events.held');
  }

  #retryHeld(): void {
    if (this.#held.size === 0) return;
    const nowMs = this.#context.clock.now();
    const changed = this.#triedVersion !== this.#intervals.version;
    this.#triedVersion = this.#intervals.version;
    for (const [key, letter] of this.#held.all()) {
      const sinceMs = this.#heldSinceMs.get(key) ?? nowMs;
      this.#heldSinceMs.set(key, sinceMs);
      const isOver = nowMs - sinceMs >= this.#options.settings.holdMs;
      if (!this.#release(letter, { retry: changed || isOver, isOver })) continue;
      this.#held.delete(key);
      this.#heldSinceMs.delete(key);
    }
  }

  /** True when it need not be held any longer. */
  #release(
    letter: DeadLetter,
    { retry, isOver }: { readonly retry: boolean; readonly isOver: boolean },
  ): boolean {
    if (!retry) return false;
    const outcome = this.#take(this.#reported(letter), letter);
    if (this.#count(outcome)) return true;
    if (outcome.type !== 'refused' && !isOver) return false;
    const { timestamp: timestampMs, ...record } = letter;
    this.#context.deadLetter({ ...record, timestampMs }, refusal(outcome));
    return true;
  }

  #reported({ topic, value }: DeadLetter): Reported {
    const { name } = parseTopicName(topic)!;
    return this.#options.serdes.of(name as 'events.file.v1').deserialize(value!);
  }

  #flush(): void {
    for (const [key, profile] of this.#grown.all()) {
      this.#context.forward({ ...this.#carrier(), key, value: profile });
      this.#grown.delete(key);
    }
  }

  /**
   * What was learned comes from many events, so it has the time at which it is passed on. With theirs, a replay of old events
   * would be old already when it is written, and the broker's retention would take it before it is read.
   */
  #carrier(): Omit<StreamRecord<string, unknown>, 'key' | 'value'> {
    const { clock, partition } = this.#context;
    const origin = this.#last?.origin ?? { topic: this.#options.stores.grown.name, partition, offset: 0 };
    return { timestampMs: clock.now(), origin, headers: {} };
  }
}

const mends: Readonly<Record<string, string>> = {
  'container-unknown': 'its container is in no entity that came in time: does the informer run?',
  'node-unknown': 'it belongs to no container, and its agent does not name the node',
  'container-ambiguous': 'its container id is claimed by two pods at that time',
  'selector-unknown': 'nothing selects its workload: the owner has no selector and its pods no common label',
  'peer-ambiguous': 'two pods may have held the peer’s address at that time',
  'peer-pod-unknown':
    'the peer’s address is a pod’s, and no pod that had it is known: does the informer run?',
  'peer-address-unreadable': 'the peer’s address is none',
  'service-port-named':
    'the Service’s target port is a name, which its endpoints do not tell or tell differently: write its number',
};

/** Why an event that was not learned is put aside. */
export function refusal(outcome: Outcome): SluiceError {
  const reason = 'reason' in outcome ? outcome.reason : outcome.type;
  return new SluiceError(
    'IDENTITY_UNKNOWN',
    `${reason}: ${mends[reason] ?? 'it cannot be told whose event it is'}`,
  );
}
