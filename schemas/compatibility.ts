import { avroType } from './avro-type.ts';
import type { Compatibility } from './topics.ts';

export interface SchemaChange {
  readonly record: string;
  readonly current: string;
  /** Schemas records may still be written in or read with, by the name of their version. */
  readonly earlier: Readonly<Record<string, string>>;
  readonly mode: Compatibility;
}

/**
 * What a schema change would break, in words; empty when it breaks nothing. BACKWARD_TRANSITIVE: the current version
 * reads what every earlier one wrote. FULL_TRANSITIVE: every earlier one also reads what the current one writes.
 */
export function breakages({ record, current, earlier, mode }: SchemaChange): readonly string[] {
  const found: string[] = [];
  const check = (reader: [string, string], writer: [string, string]) => {
    try {
      avroType(reader[1]).createResolver(avroType(writer[1]));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      found.push(`${record} ${reader[0]} cannot read ${writer[0]}: ${reason}`);
    }
  };
  for (const [version, schema] of Object.entries(earlier)) {
    check(['current', current], [version, schema]);
    if (mode === 'FULL_TRANSITIVE') check([version, schema], ['current', current]);
  }
  return found;
}
