/** Values that many rows share: each once, by number. */
export class Shelf<T> {
  #values: T[] = [];
  #keys: string[] = [];
  #numbers = new Map<string, number>();

  get size(): number {
    return this.#values.length;
  }

  at(number: number): T {
    return this.#values[number]!;
  }

  /** The number of the value with the key; undefined when there is none. */
  find(key: string): number | undefined {
    return this.#numbers.get(key);
  }

  /** The number of the value with the key, which is put in if it is not there. */
  put(key: string, value: T): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#values.push(value) - 1;
    this.#keys.push(key);
    this.#numbers.set(key, number);
    return number;
  }

  replace(number: number, value: T): void {
    this.#values[number] = value;
  }

  clear(): void {
    [this.#values, this.#keys] = [[], []];
    this.#numbers.clear();
  }

  /** Leaves only those in use; gives the new number of each by its old one. */
  keep(used: ReadonlySet<number>): ReadonlyMap<number, number> {
    const [values, keys] = [this.#values, this.#keys];
    [this.#values, this.#keys, this.#numbers] = [[], [], new Map()];
    return new Map([...used].map(number => [number, this.put(keys[number]!, values[number]!)]));
  }
}
