import type { Serde } from '#schemas';
import { type Identity, identityOf } from '../store/identity.ts';
import type { KeyValueStore } from '../store/key-value.ts';
import { keyValueStore } from '../store/key-value-store.ts';
import type { StoreSpec } from '../store/store.ts';
import { noting } from '../table/self-timed.ts';

/** One left row that refers to a right one. */
export interface Subscriber<K> {
  readonly key: K;
  readonly partition: number;
  readonly rowHash: Buffer;
}

export interface SubscribersOptions<K, F> {
  readonly name: string;
  readonly key: Serde<K>;
  readonly foreignKey: Serde<F>;
  readonly changelog: boolean;
}

/** Who refers to which key of the right table. */
export function subscribersStore<K, F>(options: SubscribersOptions<K, F>): StoreSpec<Subscribers<K, F>> {
  const { name, changelog } = options;
  const entries = keyValueStore<Pair<K, F>, Place>({
    ...{ name, changelog, key: pairSerde(options), value: placeSerde },
  });
  return {
    name,
    changelog,
    open(environment) {
      const opened = entries.open(environment);
      const store = new Subscribers<K, F>(opened.store, options);
      return {
        ...opened,
        store,
        changelog: opened.changelog && noting(opened.changelog, () => store.restored()),
      };
    },
  };
}

type Place = Omit<Subscriber<never>, 'key'>;

interface Pair<K, F> {
  readonly foreignKey: F;
  readonly key: K;
}

/** A store of pairs, and who is subscribed to what: a store is in order only when asked, and each change of the right table asks. */
export class Subscribers<K, F> {
  readonly #entries: KeyValueStore<Pair<K, F>, Place>;
  readonly #options: Pick<SubscribersOptions<K, F>, 'key' | 'foreignKey'>;
  /** null: to be made of the entries. */
  #byForeignKey: Map<Identity, Map<Identity, K>> | null = null;

  constructor(
    entries: KeyValueStore<Pair<K, F>, Place>,
    options: Pick<SubscribersOptions<K, F>, 'key' | 'foreignKey'>,
  ) {
    this.#entries = entries;
    this.#options = options;
  }

  restored(): void {
    this.#byForeignKey = null;
  }

  add(foreignKey: F, { key, partition, rowHash }: Subscriber<K>, timestampMs: number): void {
    const { key: keys, foreignKey: foreignKeys } = this.#options;
    const all = this.#index();
    const identity = identityOf(foreignKey, foreignKeys);
    const there = all.get(identity) ?? new Map<Identity, K>();
    all.set(identity, there.set(identityOf(key, keys), key));
    this.#entries.put({ foreignKey, key }, { partition, rowHash }, timestampMs);
  }

  remove(foreignKey: F, key: K): void {
    const all = this.#index();
    const identity = identityOf(foreignKey, this.#options.foreignKey);
    const there = all.get(identity);
    there?.delete(identityOf(key, this.#options.key));
    if (there?.size === 0) all.delete(identity);
    this.#entries.delete({ foreignKey, key });
  }

  /** By the bytes of their keys. */
  of(foreignKey: F): readonly Subscriber<K>[] {
    const { key: keys, foreignKey: foreignKeys } = this.#options;
    const there = this.#index().get(identityOf(foreignKey, foreignKeys));
    if (!there) return [];
    return [...there.values()]
      .map(key => ({ key, bytes: keys.serialize(key) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
      .map(({ key }) => ({ key, ...this.#entries.get({ foreignKey, key })! }));
  }

  #index(): Map<Identity, Map<Identity, K>> {
    if (this.#byForeignKey) return this.#byForeignKey;
    const all = new Map<Identity, Map<Identity, K>>();
    for (const [{ foreignKey, key }] of this.#entries.all()) {
      const identity = identityOf(foreignKey, this.#options.foreignKey);
      const there = all.get(identity) ?? new Map<Identity, K>();
      all.set(identity, there.set(identityOf(key, this.#options.key), key));
    }
    this.#byForeignKey = all;
    return all;
  }
}

/** Shape: length of the foreign key, uint32; the foreign key; the key. */
function pairSerde<K, F>({
  key: keys,
  foreignKey: foreignKeys,
}: Pick<SubscribersOptions<K, F>, 'key' | 'foreignKey'>): Serde<Pair<K, F>> {
  return {
    serialize({ foreignKey, key }) {
      const foreign = foreignKeys.serialize(foreignKey);
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(foreign.length);
      return Buffer.concat([length, foreign, keys.serialize(key)]);
    },
    deserialize(bytes) {
      const end = 4 + bytes.readUInt32BE(0);
      return {
        foreignKey: foreignKeys.deserialize(bytes.subarray(4, end)),
        key: keys.deserialize(bytes.subarray(end)),
      };
    },
  };
}

/** Shape: partition, uint32; hash. */
const placeSerde: Serde<Place> = {
  serialize({ partition, rowHash }) {
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32BE(partition);
    return Buffer.concat([head, rowHash]);
  },
  deserialize: bytes => ({ partition: bytes.readUInt32BE(0), rowHash: Buffer.from(bytes.subarray(4)) }),
};
