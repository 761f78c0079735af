/** Something that waits its turn. */
export interface Queued<T> {
  readonly timeMs: number;
  /** Order among equal times. */
  readonly bytes: Buffer;
  readonly item: T;
}

interface Place<T> extends Leaving<T> {
  isGone: boolean;
}

export interface Leaving<T> extends Queued<T> {
  /** Takes it out. */
  leave(): void;
}

/**
 * What waits, by time, of equal times by bytes. Made for what comes nearly in order and goes from the front, now and then from
 * between.
 */
export class TimeQueue<T> {
  #places: Place<T>[] = [];
  /** Before it all are gone. */
  #front = 0;
  #gone = 0;

  add(queued: Queued<T>): Leaving<T> {
    const place: Place<T> = { ...queued, isGone: false, leave: () => this.#remove(place) };
    this.#places.splice(this.#placeOf(queued), 0, place);
    return place;
  }

  /** From the front on. Nothing may be added meanwhile; what is taken out is passed over. */
  *[Symbol.iterator](): Iterator<Leaving<T>> {
    const places = this.#places;
    for (let at = this.#front; at < places.length; at += 1) {
      const place = places[at]!;
      if (!place.isGone) yield place;
    }
  }

  #remove(place: Place<T>): void {
    if (place.isGone) return;
    place.isGone = true;
    this.#gone += 1;
    while (this.#places[this.#front]?.isGone) this.#front += 1;
    if (this.#gone < 64 || this.#gone < this.#places.length / 2) return;
    this.#places = this.#places.filter(({ isGone }) => !isGone);
    this.#front = 0;
    this.#gone = 0;
  }

  #placeOf({ timeMs, bytes }: Queued<T>): number {
    let low = this.#front;
    let high = this.#places.length;
    const last = this.#places[high - 1];
    if (!last || precedes(last, timeMs, bytes)) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (precedes(this.#places[middle]!, timeMs, bytes)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function precedes(place: Queued<unknown>, timeMs: number, bytes: Buffer): boolean {
  return place.timeMs < timeMs || (place.timeMs === timeMs && Buffer.compare(place.bytes, bytes) <= 0);
}
