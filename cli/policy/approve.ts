import process from 'node:process';
import { type Command, Option } from 'commander';
import { approve } from './change.ts';
import {
  addPolicyOptions,
  addReason,
  type ReasonFlags,
  shortDigest,
  stageOf,
  who,
  withPolicies,
} from './options.ts';

interface ApproveFlags extends ReasonFlags {
  readonly digest: string;
  readonly to: string;
}

export function approveCommand(group: Command): void {
  addReason(addPolicyOptions(group.command('approve <policy-id>')))
    .description('approve exactly one content for a stage and those before it; verify carries it there')
    .requiredOption('--digest <digest>', 'the content, as list and history tell it')
    .addOption(
      new Option('--to <stage>', 'how far')
        .choices(['candidate', 'shadow', 'audit', 'canary', 'enforce'])
        .default('enforce'),
    )
    .action(async (policyId: string, { digest, to, ...flags }: ApproveFlags) => {
      await withPolicies(flags, async log => {
        const { digest: standing } = log.policy(policyId);
        // What is printed short may be given short; of one policy 12 digits do not meet twice.
        const full = digest === shortDigest(standing) ? standing : digest;
        const approval = await approve(log, { policyId, digest: full, stage: stageOf(to), ...who(flags) });
        process.stdout.write(
          flags.output === 'json'
            ? `${JSON.stringify(approval)}\n`
            : `${policyId}  ${shortDigest(full)}  approved for ${to} by ${approval.by}\n`,
        );
      });
    });
}
