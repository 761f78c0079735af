/**
 * One spelling of a JSON value, and digests over it.
 *
 * Owns: what two parties must agree on to compute the same rule id or policy digest.
 * Keys sort by UTF-16 code unit, nothing is written between tokens, properties that are undefined are left out:
 * for the values policies hold it is RFC 8785.
 */

import { hash } from 'node:crypto';
import { SluiceError } from '#errors';
import type { Policy } from '../generated/types.ts';

/** Canonical JSON text. Errors: BUG for what JSON cannot hold (NaN, functions, bigints). */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') {
    throw new SluiceError('BUG', `a ${typeof value} has no canonical JSON: ${String(value)}`);
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}

/** SHA-256 over the canonical JSON, in hex. */
export function hashOf(value: unknown): string {
  return hash('sha256', canonicalJson(value), 'hex');
}

/** `sha256:<64 hex digits>` over the canonical JSON. */
export function digest(value: unknown): string {
  return `sha256:${hashOf(value)}`;
}

/** The digest of a policy: what it means, whatever its evidence, generation and stage are. */
export function policyDigest({ target, documents }: Pick<Policy, 'target' | 'documents'>): string {
  const { cluster, namespace, workloadKind, workload, selector } = target;
  return digest({
    target: { cluster, namespace, workloadKind, workload, selector },
    documents: documents.map(({ apiVersion, kind, name, content }) => ({ apiVersion, kind, name, content })),
  });
}
