/**
 * What this node says of each policy.
 *
 * Owns: the state of a policy from what is installed, and telling only what is new.
 * Does not own: what is installed (enforcement.ts), sending (emitter.ts).
 */

import type { SluiceError } from '#errors';
import { type Policy, type PolicyState, type PolicyStatus, withDefaults } from '#schemas';
import type { Installed } from './enforcement.ts';
import type { NumberedName } from './loader-protocol.ts';
import type { PolicyInForce } from './policy-table.ts';

export interface Rejection {
  readonly record: Policy;
  readonly error: SluiceError;
}

export interface StatusOf {
  readonly policyId: string;
  readonly inForce: PolicyInForce | undefined;
  readonly rejection: Rejection | undefined;
  readonly removed: boolean;
  /** What the kernel holds on each container of this node. */
  readonly containers: readonly { readonly id: string; readonly installed: Installed }[];
  /** Why containers it selects do not have it, or not this generation. */
  readonly troubles: readonly string[];
}

export type StatusFacts = Omit<PolicyStatus, 'at' | 'cluster' | 'node'>;

/** Undefined: this node has nothing to say of it. Pure. */
export function statusOf({
  policyId,
  inForce,
  rejection,
  removed,
  containers,
  troubles,
}: StatusOf): StatusFacts | undefined {
  const holding = containers
    .map(({ id, installed }) => ({
      id,
      installed,
      names: installed.names.filter(name => name.policyId === policyId),
    }))
    .filter(({ names }) => names.length > 0);
  const held = {
    policyId,
    rules: new Set(holding.flatMap(({ names }) => names.filter(isOfDocument).map(name => name.ruleId))).size,
    containers: holding.map(({ id }) => id).sort(),
  };
  const generation =
    inForce?.generation ?? Math.max(0, ...holding.flatMap(({ names }) => names.map(n => n.generation)));
  const facts = (state: PolicyState, reason: string, over: Partial<StatusFacts> = {}): StatusFacts => ({
    ...held,
    generation,
    digest: inForce?.digest ?? '',
    state,
    reason,
    ...over,
  });
  if (rejection) {
    const stays = generation > 0 ? `; generation ${generation} stays in force` : '';
    const { record, error } = rejection;
    const named = { generation: record.generation, digest: record.digest };
    return facts('REJECTED', `${error.code}: ${error.message}${stays}`, named);
  }
  if (troubles.length > 0) return facts('PENDING', troubles.join('; '));
  if (holding.length === 0) return removed ? facts('REMOVED', '') : undefined;
  const left = (inForce?.left ?? []).map(name => `left to Cilium: ${name}`).join('; ');
  return facts(holding.every(({ installed }) => installed.adopted) ? 'ADOPTED' : 'APPLIED', left);
}

function isOfDocument({ ruleId }: NumberedName): boolean {
  return !ruleId.endsWith('/self');
}

/** Remembers what was told, so that it is told once. */
export class StatusBoard {
  readonly #told = new Map<string, string>();

  /** The record to send when the facts are new. */
  news(
    facts: StatusFacts,
    { cluster, node, atMs }: { cluster: string; node: string; atMs: number },
  ): PolicyStatus | undefined {
    const text = JSON.stringify(facts);
    if (this.#told.get(facts.policyId) === text) return undefined;
    this.#told.set(facts.policyId, text);
    return withDefaults('PolicyStatus', { ...facts, cluster, node, at: atMs * 1000 });
  }

  /** A policy that no container here holds any more, and that was told of. */
  wasTold(policyId: string): boolean {
    return this.#told.has(policyId);
  }
}
