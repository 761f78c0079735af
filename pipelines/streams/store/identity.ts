import type { Serde } from '#schemas';

/** Equal for equal keys, and usable as the key of a Map. */
export type Identity = string | number | bigint;

/** Primitive keys stand for themselves; others for their bytes. One store has keys of one kind. */
export function identityOf<K>(key: K, serde: Serde<K>): Identity {
  const type = typeof key;
  if (type === 'string' || type === 'number' || type === 'bigint') return key as unknown as Identity;
  return serde.serialize(key).toString('latin1');
}
