/** Values made from a schema alone, the same every time: what golden bytes are the bytes of. */

import {
  type AvroType,
  type Definitions,
  isDefinition,
  isUnion,
  type Json,
  namespace,
} from './definitions.ts';

export type Fill = 'bare' | 'full';

/**
 * `bare`: every field that has a default has it, the others are empty. `full`: nothing is empty or null, and no two
 * fields of a record hold the same.
 */
export function sample(record: string, fill: Fill, definitions: Definitions): unknown {
  return new Sampler(fill, definitions).of(record, record);
}

class Sampler {
  readonly #fill: Fill;
  readonly #definitions: Definitions;
  #count = 0;

  constructor(fill: Fill, definitions: Definitions) {
    this.#fill = fill;
    this.#definitions = definitions;
  }

  of(type: AvroType, name: string): unknown {
    if (isUnion(type)) return this.#ofUnion(type, name);
    const resolved = typeof type === 'string' ? this.#definitions.byName.get(type) : type;
    if (resolved === undefined) return this.#ofPrimitive(type as string, name);
    if (!isDefinition(resolved)) {
      if ('items' in resolved) return this.#several(i => this.of(resolved.items, `${name}${i}`));
      if ('values' in resolved) {
        return Object.fromEntries(
          this.#several(i => [`${name}-key${i}`, this.of(resolved.values, `${name}${i}`)]),
        );
      }
      return this.#ofPrimitive(resolved.type as string, name);
    }
    if (resolved.type === 'enum')
      return this.#fill === 'bare' ? resolved.symbols[0] : resolved.symbols.at(-1);
    return Object.fromEntries(
      resolved.fields.map(field => [
        field.name,
        this.#fill === 'bare' && field.default !== undefined
          ? (field.default as Json)
          : this.of(field.type, field.name),
      ]),
    );
  }

  /** The last branch, under its name where the union holds several records. */
  #ofUnion(branches: readonly AvroType[], name: string): unknown {
    const branch = (this.#fill === 'bare' ? branches[0] : branches.at(-1))!;
    const records = branches.filter(other => this.#isRecord(other)).length;
    const value = this.of(branch, name);
    return records > 1 && this.#isRecord(branch) ? { [`${namespace}.${nameOf(branch)}`]: value } : value;
  }

  #isRecord(type: AvroType): boolean {
    return this.#definitions.byName.get(nameOf(type))?.type === 'record';
  }

  #ofPrimitive(type: string, name: string): unknown {
    const full = this.#fill === 'full';
    this.#count++;
    if (type === 'null') return null;
    if (type === 'boolean') return full;
    if (type === 'string') return full ? `${name}-é${this.#count}` : '';
    if (type === 'bytes') return full ? Buffer.from([0, 255, this.#count]) : Buffer.alloc(0);
    if (type === 'long') return full ? 2 ** 40 + this.#count : 0;
    return full ? -this.#count : 0;
  }

  #several<T>(make: (index: number) => T): T[] {
    return this.#fill === 'bare' ? [] : [make(0), make(1)];
  }
}

function nameOf(type: AvroType): string {
  return typeof type === 'string' ? type : ((type as { name?: string }).name ?? '');
}
