/**
 * The step from grown parts to whole profiles.
 *
 * Owns: the state of every profile, when a snapshot of it is published: soon after a behaviour that was new, seldom for
 * more evidence of known ones. After a restart each profile is published once, for the last change may not have been.
 */

import { type BehaviourProfile, type Serdes, textSerde } from '#schemas';
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
import type { GrowingProfile } from './profile.ts';
import { profileSerde } from './profile-serde.ts';

export interface PublishSettings {
  /** From a new behaviour to the snapshot. */
  readonly flushMs: number;
  /** From more evidence to the snapshot. */
  readonly evidenceMs: number;
}

export function profileStore(serdes: Serdes): KeyValueSpec<string, GrowingProfile> {
  return keyValueStore({ name: 'profiles', key: textSerde, value: profileSerde(serdes) });
}

export interface PublishOptions {
  readonly entities: GlobalTable<EntityIntervals>;
  readonly store: KeyValueSpec<string, GrowingProfile>;
  readonly settings: PublishSettings;
}

type Carrier = Omit<StreamRecord<string, unknown>, 'key' | 'value'>;

export class PublishProfiles implements Processor<string, GrowingProfile, string, BehaviourProfile> {
  readonly #options: PublishOptions;
  /** What changed since its last snapshot; true: it has behaviours more. */
  readonly #changed = new Map<string, { isNew: boolean; carrier: Carrier }>();
  #context!: ProcessorContext<string, BehaviourProfile>;
  #profiles!: KeyValueStore<string, GrowingProfile>;
  #intervals!: EntityIntervals;

  constructor(options: PublishOptions) {
    this.#options = options;
  }

  init(context: ProcessorContext<string, BehaviourProfile>): void {
    const { entities, store, settings } = this.#options;
    this.#context = context;
    this.#profiles = context.store(store);
    this.#intervals = context.global(entities);
    const restored = { topic: store.name, partition: context.partition, offset: 0 };
    const timestampMs = context.clock.now();
    for (const [key] of this.#profiles.all())
      this.#changed.set(key, { isNew: true, carrier: { timestampMs, headers: {}, origin: restored } });
    context.schedule(settings.flushMs, 'wall-clock', () => this.#publish(({ isNew }) => isNew));
    context.schedule(settings.evidenceMs, 'wall-clock', () => this.#publish(() => true));
  }

  process({ key, value, ...carrier }: StreamRecord<string, GrowingProfile>): void {
    const profile = this.#profiles.get(key);
    const isNew = profile ? profile.join(value.record()) : true;
    this.#profiles.put(key, profile ?? value);
    this.#changed.set(key, { isNew: isNew || (this.#changed.get(key)?.isNew ?? false), carrier });
  }

  #publish(isDue: (change: { readonly isNew: boolean }) => boolean): void {
    for (const [key, change] of this.#changed) {
      if (!isDue(change)) continue;
      this.#changed.delete(key);
      const value = this.#profiles.get(key)!.record(workload => this.#intervals.selector(workload));
      this.#context.forward({ ...change.carrier, key, value });
    }
  }
}
