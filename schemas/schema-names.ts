import { schemas as generated } from './generated/schemas.ts';

/** Records that have a schema of their own: every .avsc file but the enums. */
export type SchemaName = keyof typeof generated;

/** The current self-contained schema of each, and the sha256 (hex) of its text. */
export const schemas: Readonly<Record<SchemaName, { readonly json: string; readonly fingerprint: string }>> =
  Object.freeze(generated);
