import { type Command, Option } from 'commander';
import { promote } from './change.ts';
import {
  addPolicyOptions,
  addReason,
  printPolicies,
  type ReasonFlags,
  stageOf,
  who,
  withPolicies,
} from './options.ts';

const stages = ['candidate', 'shadow', 'audit', 'canary', 'enforce', 'retired'] as const;

interface PromoteFlags extends ReasonFlags {
  readonly to: string;
  readonly digest?: string;
}

export function promoteCommand(group: Command): void {
  addReason(addPolicyOptions(group.command('promote <policy-id...>')))
    .description('publish the next generation of policies at another stage')
    .addOption(new Option('--to <stage>', 'the stage').choices(stages).makeOptionMandatory())
    .option('--digest <digest>', 'only if this is the content that stands')
    .action((policyIds: string[], flags: PromoteFlags) => toStage(policyIds, flags));
}

export function retire(group: Command): void {
  addReason(addPolicyOptions(group.command('retire <policy-id...>')))
    .description('take policies out of force; discovery does not bring them back')
    .action((policyIds: string[], flags: ReasonFlags) => toStage(policyIds, { ...flags, to: 'retired' }));
}

async function toStage(policyIds: readonly string[], { to, digest, ...flags }: PromoteFlags): Promise<void> {
  await withPolicies(flags, async log => {
    const promotion = { policyIds, to: stageOf(to), ...(digest !== undefined && { digest }), ...who(flags) };
    printPolicies(await promote(log, promotion), flags);
  });
}
