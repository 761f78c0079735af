import process from 'node:process';
import { type Command, Option } from 'commander';
import { approve } from './change.ts';
import { addPolicyOptions, addReason, type ReasonFlags, stageOf, who, withPolicies } from './options.ts';

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
        const approval = await approve(log, { policyId, digest, stage: stageOf(to), ...who(flags) });
        process.stdout.write(
          flags.output === 'json'
            ? `${JSON.stringify(approval)}\n`
            : `${policyId}  ${digest}  approved for ${to} by ${approval.by}\n`,
        );
      });
    });
}
