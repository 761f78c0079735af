/**
 * The two pipelines over events from files, without a broker and without end.
 *
 * A driver keeps all that it was fed, so after `generationEvents` a new one goes on, from all entities and no events; what the
 * generations learned is joined. A join of profiles depends on their events alone (ADR 0003), so the policies do not
 * depend on where generations end.
 */

import type { InputEvent } from '#formats';
import {
  type BehaviourProfile,
  type CapturedTopic,
  type EntityChange,
  entityKey,
  eventKey,
  localSerdes,
  type Policy,
} from '#schemas';
import { type DeadLetter, type TestDriver, testDriver } from '#streams';
import { discoveryDefaults, discoveryTopology, type EmitterName } from '../pipelines/discovery/index.ts';
import { enrichDefaults, enrichTopology, GrowingProfile, learnedTopics } from '../pipelines/enrich/index.ts';

const tenant = 'capture';
const chunkRecords = 2000;

export interface LearningOptions {
  readonly emit: readonly EmitterName[];
  /** Absent: 20,000. */
  readonly generationEvents?: number;
}

interface EntityRecord {
  readonly key: string | null;
  readonly value: EntityChange | null;
  readonly timestampMs: number;
}

export class Learning {
  readonly #emit: readonly EmitterName[];
  readonly #generationEvents: number;
  readonly #serdes = localSerdes();
  readonly #entities: EntityRecord[] = [];
  readonly #profiles = new Map<string, GrowingProfile>();
  readonly #deadLetters: DeadLetter[] = [];
  readonly #ignored = new Map<string, number>();
  #driver: TestDriver;
  #fed = 0;
  #learned = 0;
  events = 0;

  constructor({ emit, generationEvents = 20_000 }: LearningOptions) {
    this.#emit = emit;
    this.#generationEvents = generationEvents;
    this.#driver = this.#begin();
  }

  get entities(): number {
    return this.#entities.length;
  }

  entity(record: EntityRecord): void {
    this.#entities.push(record);
    this.#driver.append(`${tenant}.entities.v1`, record);
  }

  entityChange(value: EntityChange): void {
    this.entity({ key: entityKey(value), value, timestampMs: Math.floor(value.observedAt / 1000) });
  }

  /** Errors: VALUE_INVALID naming the field; nothing was learned of it. */
  event(topic: CapturedTopic, value: InputEvent): void {
    if (!(learnedTopics as readonly string[]).includes(topic)) {
      this.events += 1;
      this.#ignore(topic, 1);
      return;
    }
    const timestampMs = Math.floor(value.time / 1000);
    this.#driver.append(`${tenant}.${topic}`, { key: eventKey(value), value, timestampMs });
    this.events += 1;
    this.#fed += 1;
    if (this.#fed % chunkRecords === 0) this.#driver.run();
    if (this.#fed < this.#generationEvents) return;
    this.#end();
    this.#driver = this.#begin();
  }

  /** What was learned. events = learned + the sum of ignored + the dead letters. */
  finish() {
    this.#end();
    return this.#result();
  }

  /** What was learned so far; more may be fed afterwards. */
  snapshot() {
    this.#end();
    this.#driver = this.#begin();
    return this.#result();
  }

  #result() {
    return {
      policies: this.#policies(),
      learned: this.#learned,
      ignored: Object.fromEntries(this.#ignored),
      deadLetters: this.#deadLetters as readonly DeadLetter[],
    };
  }

  #begin(): TestDriver {
    const driver = testDriver(enrichTopology({ tenant, serdes: this.#serdes }));
    for (const record of this.#entities) driver.append(`${tenant}.entities.v1`, record);
    this.#fed = 0;
    return driver;
  }

  #end(): void {
    const driver = this.#driver;
    driver.run();
    // What waits for its container has waited long enough.
    driver.advance(enrichDefaults.holdMs + enrichDefaults.flushMs);
    driver.advance(enrichDefaults.holdMs + enrichDefaults.flushMs);
    const latest = new Map<string, BehaviourProfile>();
    for (const { key, value } of driver.read<string, BehaviourProfile>(`${tenant}.behaviours.v1`))
      latest.set(key, value);
    for (const [key, profile] of latest) {
      const known = this.#profiles.get(key);
      if (known) known.join(profile);
      else this.#profiles.set(key, GrowingProfile.of(profile));
    }
    this.#learned += driver.counters.get('events.learned');
    for (const reason of ['verdict', 'host', 'irrelevant'])
      this.#ignore(reason, driver.counters.get(`records.dropped.${reason}`));
    this.#deadLetters.push(...driver.deadLetters());
    driver.close();
  }

  #ignore(reason: string, count: number): void {
    if (count > 0) this.#ignored.set(reason, (this.#ignored.get(reason) ?? 0) + count);
  }

  /** By policy id. */
  #policies(): Policy[] {
    const settings = { emit: this.#emit };
    const discovery = testDriver(discoveryTopology({ tenant, serdes: this.#serdes, settings }));
    const profiles = [...this.#profiles].map(([key, profile]) => ({
      key,
      value: profile.record(),
      timestampMs: 0,
    }));
    discovery.pipe(`${tenant}.behaviours.v1`, profiles);
    discovery.advance(discoveryDefaults.maxWaitMs);
    const policies = new Map<string, Policy>();
    for (const { key, value } of discovery.read<string, Policy>(`${tenant}.policies.v1`))
      policies.set(key, value);
    return [...policies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, policy]) => policy);
  }
}
