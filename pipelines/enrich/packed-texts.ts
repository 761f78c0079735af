/**
 * Texts one behind another in one block of memory: a byte a character where that does, two otherwise.
 *
 * Owns: how a text is kept, compared and hashed without being made. Nothing is ever removed.
 *
 * Shape: twice the length, plus one when characters are wide, as a varint; then the characters.
 */

export class PackedTexts {
  #bytes = Buffer.alloc(0);
  #end = 0;

  /** Where it is put. */
  push(text: string): number {
    const isWide = hasWide(text);
    const most = 5 + text.length * (isWide ? 2 : 1);
    if (this.#end + most > this.#bytes.length) this.#grow(this.#end + most);
    const start = this.#end;
    let head = text.length * 2 + (isWide ? 1 : 0);
    while (head > 127) {
      this.#bytes[this.#end++] = (head & 127) | 128;
      head >>>= 7;
    }
    this.#bytes[this.#end++] = head;
    this.#end += this.#bytes.write(text, this.#end, isWide ? 'utf16le' : 'latin1');
    return start;
  }

  at(start: number): string {
    const { first, length, isWide } = this.#headOf(start);
    const end = first + (isWide ? 2 * length : length);
    return this.#bytes.toString(isWide ? 'utf16le' : 'latin1', first, end);
  }

  is(start: number, text: string): boolean {
    const { first, length, isWide } = this.#headOf(start);
    if (length !== text.length) return false;
    const bytes = this.#bytes;
    // Backwards: paths differ at their end.
    for (let i = length - 1; i >= 0; i--) {
      const code = isWide ? bytes[first + 2 * i]! | (bytes[first + 2 * i + 1]! << 8) : bytes[first + i]!;
      if (code !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** `hashText` of the text. */
  hashAt(start: number, seed: number): number {
    const { first, length, isWide } = this.#headOf(start);
    const bytes = this.#bytes;
    let hash = seed;
    for (let i = 0; i < length; i++) {
      const code = isWide ? bytes[first + 2 * i]! | (bytes[first + 2 * i + 1]! << 8) : bytes[first + i]!;
      hash = Math.imul(hash ^ code, 0x01000193);
    }
    return hash;
  }

  #headOf(start: number) {
    let [first, head, shift] = [start, 0, 0];
    let byte = this.#bytes[first++]!;
    while (byte > 127) {
      head |= (byte & 127) << shift;
      shift += 7;
      byte = this.#bytes[first++]!;
    }
    head |= byte << shift;
    return { first, length: head >>> 1, isWide: (head & 1) === 1 };
  }

  #grow(wanted: number): void {
    const grown = Buffer.allocUnsafeSlow(wanted + Math.max(64, wanted >> 4));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** FNV-1a over UTF-16 code units. */
export function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function hasWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return true;
  return false;
}
