/**
 * Which behaviours there are, a row each, in a few blocks of memory.
 *
 * Owns: finding the row of a behaviour, what is kept of its identity. Does not own: its evidence (profile.ts).
 *
 * Invariants:
 * B1 Behaviours are the same exactly when `identityOf` says so, and then have one row. Rows are never removed.
 * B2 A peer is held once, with the smallest selector it was told with.
 */

import { Shelf } from '#policy';
import type { BehaviourOperation, Peer, Transport } from '#schemas';
import type { Observed } from './observe.ts';
import { hashText, PackedTexts } from './packed-texts.ts';
import { areSame, smaller } from './selector-order.ts';

/** Names that all rows of the process share. */
const operations = new Shelf<BehaviourOperation>();
const transports = new Shelf<Transport>();

/** Numbers of a row: what it is (operation, transport, whether it is a request), port, source, peer, text. */
const numbers = 5;
const noPeer = -1;
const leastSlots = 8;
/** Up to so many a slot's number has 16 bits. */
const mostShortSlots = 65_536;

interface Identity {
  readonly what: number;
  readonly port: number;
  readonly source: number;
  readonly peer: number;
  readonly text: string;
}

export class BehaviourRows {
  #rows = new Int32Array(0);
  #length = 0;
  /** Open addressing: the row plus one, 0 where there is none. A power of two, at most three quarters full. */
  #slots: Uint16Array | Int32Array = new Uint16Array(leastSlots);
  readonly #texts = new PackedTexts();
  readonly #sources = new Shelf<string>();
  readonly #peers = new Shelf<Peer>();
  /** Who did the last thing mostly does the next one. */
  #lastSource = '';
  #lastSourceNumber = -1;

  get length(): number {
    return this.#length;
  }

  /** The row of a behaviour, which is new when it is the last one and `length` has grown. */
  put(observed: Observed): number {
    const identity = this.#identify(observed);
    const { text } = identity;
    const slots = this.#slots;
    let slot = mixed(hashText(text, seedOf(identity))) & (slots.length - 1);
    for (let held = slots[slot]!; held !== 0; held = slots[slot]!) {
      if (this.#is(held - 1, identity)) return held - 1;
      slot = (slot + 1) & (slots.length - 1);
    }
    slots[slot] = this.#push(identity) + 1;
    if (this.#length * 4 > slots.length * 3) this.#rehash(slots.length * 2);
    return this.#length - 1;
  }

  /** Room for so many rows. */
  reserve(rows: number): void {
    if (rows * numbers > this.#rows.length) this.#resize(rows);
    let slots = this.#slots.length;
    while (rows * 4 > slots * 3) slots *= 2;
    if (slots > this.#slots.length) this.#rehash(slots);
  }

  at(row: number): Observed {
    const rows = this.#rows;
    const start = row * numbers;
    const what = rows[start]!;
    const peer = rows[start + 3]!;
    const isRequest = (what & 1) === 1;
    const [object = '', method = '', ...path] = isRequest
      ? this.#texts.at(rows[start + 4]!).split('\n')
      : [this.#texts.at(rows[start + 4]!)];
    return {
      operation: operations.at(what >>> 16),
      object,
      source: this.#sources.at(rows[start + 2]!),
      transport: transports.at((what >>> 1) & 0x7fff),
      port: rows[start + 1]!,
      peer: peer === noPeer ? null : this.#peers.at(peer),
      http: isRequest ? { method, path: path.join('\n'), host: '' } : null,
    };
  }

  #identify({ operation, object, source, transport, port, peer, http }: Observed): Identity {
    const what =
      (operations.put(operation, operation) << 16) |
      (transports.put(transport, transport) << 1) |
      (http ? 1 : 0);
    return {
      ...{ what, port, source: this.#sourceOf(source) },
      peer: peer ? this.#putPeer(peer) : noPeer,
      text: http ? `${object}\n${http.method}\n${http.path}` : object,
    };
  }

  #sourceOf(source: string): number {
    if (this.#lastSourceNumber < 0 || source !== this.#lastSource) {
      this.#lastSource = source;
      this.#lastSourceNumber = this.#sources.put(source, source);
    }
    return this.#lastSourceNumber;
  }

  #putPeer(peer: Peer): number {
    const key = `${peer.type}\n${peer.namespace}\n${peer.workloadKind}\n${peer.workload}\n${peer.value}`;
    const number = this.#peers.put(key, peer);
    const known = this.#peers.at(number);
    if (known !== peer && !areSame(known.selector, peer.selector))
      this.#peers.replace(number, { ...known, selector: { ...smaller(known.selector, peer.selector) } });
    return number;
  }

  #is(row: number, { what, port, source, peer, text }: Identity): boolean {
    const rows = this.#rows;
    const start = row * numbers;
    return (
      rows[start] === what &&
      rows[start + 1] === port &&
      rows[start + 2] === source &&
      rows[start + 3] === peer &&
      this.#texts.is(rows[start + 4]!, text)
    );
  }

  #push({ what, port, source, peer, text }: Identity): number {
    const row = this.#length;
    const start = row * numbers;
    if (start === this.#rows.length) this.#resize(row + Math.max(4, row >> 4));
    this.#rows.set([what, port, source, peer, this.#texts.push(text)], start);
    this.#length += 1;
    return row;
  }

  #resize(rows: number): void {
    const grown = new Int32Array(rows * numbers);
    grown.set(this.#rows.subarray(0, this.#length * numbers));
    this.#rows = grown;
  }

  #rehash(slots: number): void {
    this.#slots = slots <= mostShortSlots ? new Uint16Array(slots) : new Int32Array(slots);
    const rows = this.#rows;
    for (let row = 0; row < this.#length; row++) {
      const start = row * numbers;
      const [what, port, source, peer] = [rows[start]!, rows[start + 1]!, rows[start + 2]!, rows[start + 3]!];
      const seed = seedOf({ what, port, source, peer });
      let slot = mixed(this.#texts.hashAt(rows[start + 4]!, seed)) & (slots - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (slots - 1);
      this.#slots[slot] = row + 1;
    }
  }
}

function seedOf({ what, port, source, peer }: Omit<Identity, 'text'>): number {
  return Math.imul(Math.imul(Math.imul(what ^ 0x811c9dc5, 31) ^ port, 31) ^ source, 31) ^ peer;
}

/** FNV leaves the low bits of similar texts alike. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return once ^ (once >>> 13);
}
