/**
 * A flow between two workloads is something both do, but mostly one of them reports it: each side reports its own.
 *
 * Owns: what is concluded of the side that said nothing.
 *
 * A side that was heard of itself, allowed or denied, is not concluded about: its own word counts. Held are distinct pairs
 * and ports, not flows. Past `mostHeld` of them nothing more is concluded, and that is counted.
 */

const mostHeld = 200_000;

export class UnheardSides<E> {
  readonly #heard = new Set<string>();
  readonly #concluded = new Map<string, E>();
  /** How many pairs there was no room for. */
  unconcluded = 0;

  /** The side reported the flow itself. */
  heard(side: string): void {
    this.#concluded.delete(side);
    if (this.#heard.size < mostHeld) this.#heard.add(side);
  }

  /** The other side reported it. */
  told(side: string, event: E): void {
    if (this.#heard.has(side) || this.#concluded.has(side)) return;
    if (this.#heard.size < mostHeld && this.#concluded.size < mostHeld) this.#concluded.set(side, event);
    else this.unconcluded += 1;
  }

  conclude(): readonly E[] {
    const concluded = [...this.#concluded.values()];
    this.#concluded.clear();
    return concluded;
  }
}
