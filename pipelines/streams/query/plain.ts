/**
 * Any value as JSON: bytes are base64, bigints text, maps objects (or pairs, where their keys are no text), sets arrays, and
 * numbers that JSON has no notation for text.
 */
export function toJson(value: unknown): string {
  // The replacer is called with what toJSON made of a value; the original is in its holder.
  return JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key, seen) {
    const original = this[key];
    if (original instanceof Uint8Array) return Buffer.from(original).toString('base64');
    return plain(seen);
  });
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Set) return [...value];
  if (!(value instanceof Map)) return value;
  const pairs = [...value];
  return pairs.every(([key]) => typeof key === 'string') ? Object.fromEntries(pairs) : pairs;
}
