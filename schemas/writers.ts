/**
 * Schema ids and the types records were written with.
 *
 * Owns: what is known of an id (a type, that it is unknown, that it is no Avro), asking the registry once for it.
 * Does not own: bytes (serde.ts), talking to the registry (#registry).
 *
 * Invariants:
 * W1 Looking an id up is synchronous; only `prepare` waits.
 * W2 The registry is asked once per id at a time, and an id it does not know again only after `unknownForMs`.
 */

import { SluiceError } from '#errors';
import { avroType } from './avro-type.ts';
import type { SchemaRegistry } from './schema-registry.ts';

type AvroType = ReturnType<typeof avroType>;

export interface WriterOptions {
  /** How long an id the registry does not know is not asked for again. Absent: one minute. */
  readonly unknownForMs?: number;
  /** Milliseconds; only differences count. Absent: the process's monotonic clock. */
  readonly nowMs?: () => number;
}

const asksAtOnce = 8;
const unknownLimit = 10_000;

export class Writers {
  readonly #registry: SchemaRegistry;
  readonly #unknownForMs: number;
  readonly #nowMs: () => number;
  readonly #types = new Map<number, AvroType | SluiceError>();
  readonly #unknownUntilMs = new Map<number, number>();
  readonly #asking = new Map<number, Promise<void>>();

  constructor(registry: SchemaRegistry, options: WriterOptions = {}) {
    this.#registry = registry;
    this.#unknownForMs = options.unknownForMs ?? 60_000;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** What is known of an id: its type, or why it has none (SCHEMA_INCOMPATIBLE); undefined when not known. */
  get(id: number): AvroType | SluiceError | undefined {
    return this.#types.get(id);
  }

  /** Makes an id known. Schema text that is not Avro is kept as the error it is. */
  add(id: number, schema: string): void {
    this.#types.set(id, parse(id, schema));
    this.#unknownUntilMs.delete(id);
  }

  /** True when asking the registry for the id could tell something new. */
  isWorthAsking(id: number): boolean {
    if (this.#types.has(id)) return false;
    const untilMs = this.#unknownUntilMs.get(id);
    return untilMs === undefined || untilMs <= this.#nowMs();
  }

  /**
   * Resolves when the registry was asked for each id that is worth it. An id it does not know is no error here: reading
   * the record is. Errors: REGISTRY_UNREACHABLE, REGISTRY_REFUSED.
   */
  async prepare(ids: Iterable<number>): Promise<void> {
    const queue = [...new Set(ids)].filter(id => this.isWorthAsking(id));
    for (let i = 0; i < queue.length; i += asksAtOnce) {
      await Promise.all(queue.slice(i, i + asksAtOnce).map(id => this.#askOnce(id)));
    }
  }

  #askOnce(id: number): Promise<void> {
    let asking = this.#asking.get(id);
    if (asking === undefined) {
      asking = this.#ask(id).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asking);
    }
    return asking;
  }

  async #ask(id: number): Promise<void> {
    try {
      this.add(id, await this.#registry.schemaById(id));
    } catch (error) {
      if (!(error instanceof SluiceError && error.code === 'SCHEMA_UNKNOWN')) throw error;
      this.#forgetOldest();
      this.#unknownUntilMs.set(id, this.#nowMs() + this.#unknownForMs);
    }
  }

  /** Corrupt records can name any id: what is remembered of them is bounded. */
  #forgetOldest(): void {
    if (this.#unknownUntilMs.size < unknownLimit) return;
    for (const id of this.#unknownUntilMs.keys()) {
      this.#unknownUntilMs.delete(id);
      return;
    }
  }
}

function parse(id: number, schema: string): AvroType | SluiceError {
  try {
    return avroType(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return new SluiceError('SCHEMA_INCOMPATIBLE', `schema ${id} is not Avro that can be read: ${reason}`, {
      cause: error,
    });
  }
}
