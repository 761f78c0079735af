/** Reading of values that others wrote: what has not the type it should have counts as absent. */

export type Fields = Readonly<Record<string, unknown>>;

const none: Fields = Object.freeze({});

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : none;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Numbers, and texts of digits as 64-bit numbers are printed in JSON. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textsOf(value: unknown): string[] {
  return listOf(value).filter(each => typeof each === 'string');
}

/** What agents are told to call their cluster, empty where nobody told them: then they say `default`. */
export function clusterName(value: unknown): string {
  const name = textOf(value);
  return name.toLowerCase() === 'default' ? '' : name;
}

const fraction = /\.(\d+)/;

/** Microseconds since the epoch of an RFC 3339 time, whatever the case of its letters and the digits of its fraction. */
export function timeUs(text: string): number | undefined {
  const upper = text.toUpperCase();
  const digits = fraction.exec(upper)?.[1] ?? '';
  const wholeMs = Date.parse(upper.replace(fraction, ''));
  if (Number.isNaN(wholeMs)) return undefined;
  return wholeMs * 1000 + Number(digits.padEnd(6, '0').slice(0, 6));
}

/** `a=b c=d`: later ones of a name count. */
export function pairsOf(text: string, separator: RegExp | string = /\s+/): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const pair of text.split(separator)) {
    const at = pair.indexOf('=');
    if (at > 0) pairs[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return pairs;
}
