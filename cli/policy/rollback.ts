import type { Command } from 'commander';
import { SluiceError } from '#errors';
import type { Policy } from '#schemas';
import { publish } from './change.ts';
import { generationOf } from './get.ts';
import {
  addPolicyOptions,
  addReason,
  printPolicies,
  type ReasonFlags,
  who,
  withPolicies,
} from './options.ts';
import type { DatedPolicy } from './policy-log.ts';

interface RollbackFlags extends ReasonFlags {
  readonly generation?: number;
}

export function rollback(group: Command): void {
  addReason(addPolicyOptions(group.command('rollback <policy-id>')))
    .description('publish an earlier version again, content and stage, as the next generation')
    .option(
      '--generation <number>',
      'which (default: the last that had another content or stage)',
      generationOf,
    )
    .action(async (policyId: string, { generation, ...flags }: RollbackFlags) => {
      await withPolicies(flags, async log => {
        const before = log.policy(policyId);
        const to =
          generation === undefined
            ? lastOther(before, await log.versions(policyId))
            : await log.version(policyId, generation);
        const said = who(flags);
        const reason = said.reason || `back to generation ${to.generation}`;
        printPolicies(await publish(log, [{ before, change: contentOf(to) }], { ...said, reason }), flags);
      });
    });
}

/** Errors: INPUT_INVALID when none is kept. */
export function lastOther(standing: Policy, versions: readonly DatedPolicy[]): Policy {
  const other = versions.findLast(
    ({ policy: { generation, digest, stage } }) =>
      generation < standing.generation && (digest !== standing.digest || stage !== standing.stage),
  );
  if (other) return other.policy;
  throw new SluiceError(
    'INPUT_INVALID',
    `${standing.policyId} has no earlier version with another content or stage; see policy history`,
  );
}

function contentOf({ stage, target, documents, rules, losses, digest, confidence }: Policy) {
  return { stage, target, documents, rules, losses, digest, confidence };
}
