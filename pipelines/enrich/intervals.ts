/** Who held what from when until when. */

export interface Held<T> {
  /** Tells one holder from another; what the same one holds again replaces what it held. */
  readonly holder: string;
  readonly value: T;
  /** Included. */
  readonly fromUs: number;
  /** Excluded. */
  readonly toUs: number;
}

export const open = Number.POSITIVE_INFINITY;

export class Intervals<T> {
  readonly #byKey = new Map<string, Held<T>[]>();
  /** Keys that a holder holds without an end. */
  readonly #openOf = new Map<string, Set<string>>();

  of(key: string): readonly Held<T>[] {
    return this.#byKey.get(key) ?? [];
  }

  by(key: string, holder: string): Held<T> | undefined {
    return this.of(key).find(held => held.holder === holder);
  }

  /** What was held at the moment. */
  at(key: string, atUs: number): readonly T[] {
    return this.of(key)
      .filter(({ fromUs, toUs }) => fromUs <= atUs && atUs < toUs)
      .map(({ value }) => value);
  }

  openOf(holder: string): readonly string[] {
    return [...(this.#openOf.get(holder) ?? [])];
  }

  hold(key: string, held: Held<T>): void {
    const others = this.of(key).filter(({ holder }) => holder !== held.holder);
    this.#byKey.set(key, [...others, held]);
    const keys = this.#openOf.get(held.holder) ?? new Set<string>();
    if (held.toUs === open) keys.add(key);
    else keys.delete(key);
    if (keys.size > 0) this.#openOf.set(held.holder, keys);
    else this.#openOf.delete(held.holder);
  }

  /** Holds it from then on; what the holder held there before stays true of before. */
  change(key: string, held: Held<T>): void {
    const before = this.by(key, held.holder);
    if (before && before.fromUs < held.fromUs) {
      const holder = `${before.holder}#${before.fromUs}`;
      this.hold(key, { ...before, holder, toUs: Math.min(before.toUs, held.fromUs) });
    }
    this.hold(key, held);
  }

  /** Ends what the holder still holds, everywhere but at the keys given. */
  end(holder: string, atUs: number, except: ReadonlySet<string> = new Set()): void {
    for (const key of this.openOf(holder)) {
      if (!except.has(key)) this.hold(key, { ...this.by(key, holder)!, toUs: atUs });
    }
  }

  /** Forgets what ended before. */
  forget(beforeUs: number): void {
    for (const [key, all] of this.#byKey) {
      const kept = all.filter(({ toUs }) => toUs >= beforeUs);
      if (kept.length === 0) this.#byKey.delete(key);
      else if (kept.length < all.length) this.#byKey.set(key, kept);
    }
  }
}
