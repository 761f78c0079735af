import type { Command } from 'commander';
import { addPolicyOptions, type PolicyFlags, printPolicies, withPolicies } from './options.ts';

export function list(group: Command): void {
  addPolicyOptions(group.command('list'))
    .description('the version that stands of every policy')
    .action(async (flags: PolicyFlags) => {
      await withPolicies(flags, async log => printPolicies(log.standing.all(), flags));
    });
}
