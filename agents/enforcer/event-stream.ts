/**
 * Turns the kernel's events into records on their way to the broker: one record for each number.
 *
 * Owns: the path of an event, what becomes of one that no record can be made of.
 * Does not own: the fields of a record (event-record.ts), the sums (books.ts), sending (emitter.ts).
 */

import { classify, type SluiceError } from '#errors';
import { type Container, eventKey, type Serdes, type TopicName, topicName, withDefaults } from '#schemas';
import type { Books } from './books.ts';
import type { Emitter, Spooled } from './emitter.ts';
import { type EventRecord, eventRecord, type RuleAbout } from './event-record.ts';
import type { KernelEvent } from './kernel-event.ts';
import type { PolicyTable } from './policy-table.ts';
import type { eventTopics } from './recovery.ts';
import type { RuleNames } from './rule-names.ts';
import type { ScopeTable } from './scope-table.ts';

export interface EventStreamOptions {
  readonly cluster: string;
  readonly node: string;
  readonly tenant: string;
  readonly books: Books;
  readonly emitter: Emitter;
  readonly scopes: ScopeTable;
  readonly policies: PolicyTable;
  readonly names: RuleNames;
  /** No record could be made of a number: it is counted, and the reason told. */
  readonly onInvalid: (sequence: number, error: SluiceError) => void;
  readonly now: () => number;
}

export interface Boot {
  readonly bootId: string;
  readonly bootEpochUs: number;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #topics: Readonly<Record<(typeof eventTopics)[number], string>>;
  readonly #keys = new WeakMap<Container, Buffer>();
  readonly #strangers = new Map<number, Container>();
  readonly #early: KernelEvent[] = [];
  #serdes: Serdes | undefined;
  #boot: Boot = { bootId: '', bootEpochUs: 0 };
  #lastTimeMs = 0;
  #alerts = 0;
  #unidentified = 0;
  #unnamed = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const named = (name: TopicName) => topicName(options.tenant, name);
    this.#topics = {
      'events.process.v1': named('events.process.v1'),
      'events.file.v1': named('events.file.v1'),
      'events.network.v1': named('events.network.v1'),
      'events.syscall.v1': named('events.syscall.v1'),
      'alerts.v1': named('alerts.v1'),
    };
  }

  get counters(): Readonly<Record<string, number>> {
    return {
      alerts: this.#alerts,
      'events.unidentified': this.#unidentified,
      'alerts.unnamed': this.#unnamed,
    };
  }

  /** Event time of the last event taken; 0 before the first. */
  get lastTimeMs(): number {
    return this.#lastTimeMs;
  }

  /** From here on events are written: what came before this is taken first. */
  begin(serdes: Serdes, boot: Boot): void {
    this.#serdes = serdes;
    this.#boot = boot;
    for (const event of this.#early.splice(0)) this.take(event);
  }

  /** Held until `begin`: the loader's first events may come before it said which rules it holds. */
  take(event: KernelEvent): void {
    if (!this.#serdes) {
      this.#early.push(event);
      return;
    }
    const { books, now } = this.#options;
    if (!books.received(event.sequence, now())) return;
    try {
      this.#emit(event);
    } catch (failure) {
      books.refused(event.sequence);
      this.#options.onInvalid(event.sequence, classify(failure));
    }
  }

  #emit(event: KernelEvent): void {
    const { cluster, node, emitter } = this.#options;
    const { bootId, bootEpochUs } = this.#boot;
    const origin = { cluster, node, agent: 'enforcer', bootId, sequence: event.sequence };
    const timeUs = bootEpochUs + Math.floor(event.timeNs / 1000);
    const container = this.#containerOf(event);
    const record = eventRecord(event, { origin, timeUs, container, rule: this.#ruleOf(event) });
    const isAlert = record.topic === 'alerts.v1';
    const spooled: Spooled = {
      topic: this.#topics[record.topic],
      key: this.#keyOf(record.value, container),
      value: this.#serialize(record),
      timestampMs: Math.floor(timeUs / 1000),
      sequence: event.sequence,
    };
    this.#lastTimeMs = spooled.timestampMs!;
    if (isAlert) this.#alerts += 1;
    if (container.workload === '') this.#unidentified += 1;
    emitter.push(spooled, { urgent: isAlert });
  }

  #serialize({ topic, value }: EventRecord): Buffer {
    return this.#serdes!.of(topic).serialize(value as never);
  }

  #containerOf({ scope }: KernelEvent): Container {
    const known = this.#options.scopes.get(scope)?.container;
    if (known) return known;
    // A scope this process never saw: what is left of a predecessor's. Its cgroup is all that is known.
    const stranger = this.#strangers.get(scope) ?? withDefaults('Container', { id: `cgroup-${scope}` });
    this.#strangers.set(scope, stranger);
    return stranger;
  }

  #keyOf(value: Parameters<typeof eventKey>[0], container: Container): Buffer {
    const known = this.#keys.get(container);
    if (known) return known;
    const key = Buffer.from(eventKey(value), 'utf8');
    this.#keys.set(container, key);
    return key;
  }

  #ruleOf({ verdict, ruleset, rule, generation }: KernelEvent): RuleAbout {
    if (verdict === 'ALLOW') return nothingToSay;
    const { names, policies } = this.#options;
    const name = names.get(ruleset, rule);
    if (!name) this.#unnamed += 1;
    const { policyId, ruleId, severity } = name ?? { policyId: '', ruleId: '', severity: 1 };
    const { tags, message } = policies.told(policyId, ruleId) ?? nothingToSay;
    return { ref: { policyId, ruleId, generation }, severity, tags, message };
  }
}

const nothingToSay: RuleAbout = {
  ref: { policyId: '', ruleId: '', generation: 0 },
  severity: 1,
  tags: [],
  message: '',
};
