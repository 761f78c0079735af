/** What waits, by its time, of equal times by its key. */
export interface Waiting {
  readonly timeMs: number;
  readonly keyBytes: Buffer;
  /** False: it was taken out, and is passed over. */
  waits: boolean;
}

/** A binary heap: the first in time at its root. */
export class WaitingQueue<E extends Waiting> {
  #heap: E[] = [];
  /** How many at most are still in the heap and do not wait any more. */
  #gone = 0;

  /** The first that waits. */
  first(): E | undefined {
    while (this.#heap.length > 0 && !this.#heap[0]!.waits) {
      this.#takeRoot();
      this.#gone -= 1;
    }
    return this.#heap[0];
  }

  add(entry: E): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  remove(entry: E): void {
    entry.waits = false;
    this.#gone += 1;
    if (this.#gone * 2 <= this.#heap.length) return;
    // More are gone than wait: keeping them would be a leak.
    const waiting = this.#heap.filter(each => each.waits);
    this.#heap = [];
    this.#gone = 0;
    for (const each of waiting) this.add(each);
  }

  #takeRoot(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.timeMs - b.timeMs < 0 || (a.timeMs === b.timeMs && Buffer.compare(a.keyBytes, b.keyBytes) < 0);
}
