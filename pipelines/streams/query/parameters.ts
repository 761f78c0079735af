import { badParameter } from './refusal.ts';

const encodings = ['text', 'base64url'] as const;

/** The query part of an address. Every reader says what is wrong under the parameter's name, as 400. */
export class Parameters {
  readonly #given: URLSearchParams;

  /** Errors: 400 for a parameter that is not known, or is there twice. */
  constructor(given: URLSearchParams, known: readonly string[]) {
    this.#given = given;
    for (const name of new Set(given.keys())) {
      if (!known.includes(name))
        throw badParameter(name, `not known here; known are ${known.join(', ') || 'none'}`);
      if (given.getAll(name).length > 1) throw badParameter(name, 'given twice');
    }
  }

  text(name: string): string | undefined {
    return this.#given.get(name) ?? undefined;
  }

  /** `?local` and `?local=true` are true. */
  flag(name: string): boolean {
    return this.#oneOf(name, ['', 'true', 'false'], 'false') !== 'false';
  }

  oneOf<T extends string>(name: string, choices: readonly T[], absent: T): T {
    return this.#oneOf(name, choices, absent);
  }

  whole(
    name: string,
    { absent, min = 0, max = Number.MAX_SAFE_INTEGER }: { absent: number; min?: number; max?: number },
  ): number {
    const text = this.text(name);
    if (text === undefined) return absent;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw badParameter(name, `a whole number from ${min} to ${max} is expected`);
  }

  /** `0,3,4`; absent: undefined. */
  numbers(name: string): readonly number[] | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,9}(,\d{1,9})*$/.test(text)) throw badParameter(name, 'numbers with commas are expected');
    return [...new Set(text.split(',').map(Number))].sort((a, b) => a - b);
  }

  /** The same question with some parameters set. */
  with(path: string, set: Readonly<Record<string, string>>): string {
    const all = new URLSearchParams(this.#given);
    all.delete('local');
    for (const [name, value] of Object.entries(set)) all.set(name, value);
    return `${path}?${all}`;
  }

  encoding(): Encoding {
    return this.oneOf('encoding', encodings, 'text');
  }

  #oneOf<T extends string>(name: string, choices: readonly T[], absent: T): T {
    const text = this.text(name);
    if (text === undefined) return absent;
    const found = choices.find(choice => choice === text);
    if (found !== undefined) return found;
    throw badParameter(name, `one of ${choices.filter(choice => choice !== '').join(', ')} is expected`);
  }
}

export type Encoding = (typeof encodings)[number];

export function bytesOf(name: string, text: string, encoding: Encoding): Buffer {
  if (encoding === 'text') return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') === text.replace(/=+$/, '')) return bytes;
  throw badParameter(name, 'it is not base64url');
}
