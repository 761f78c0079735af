import process from 'node:process';
import { type Command, Option } from 'commander';
import { SluiceError } from '#errors';
import { parseAnyDocument } from '#policy';
import { diffPolicies, emittersOf, makePolicy } from '../../pipelines/discovery/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { publish } from './change.ts';
import { diffText } from './diff-text.ts';
import {
  addPolicyOptions,
  addReason,
  policyOptions,
  printPolicies,
  type ReasonFlags,
  stageOf,
  who,
  withPolicies,
} from './options.ts';

interface AcceptFlags extends ReasonFlags {
  readonly to?: string;
  readonly dryRun?: boolean;
}

/** Drift is accepted by a person: what was learned since becomes the next generation, at the stage where the policy stands. */
export function accept(group: Command): void {
  addReason(addPolicyOptions(group.command('accept <policy-id>')))
    .description(
      'make what was learned by now the next generation of a policy that drifted; says what opens and closes',
    )
    .addOption(
      new Option('--to <stage>', 'at another stage than it is at').choices([
        'candidate',
        'shadow',
        'audit',
        'canary',
        'enforce',
      ]),
    )
    .option('--dry-run', 'only say what would open and close; exit 1 when something would')
    .action(async (policyId: string, { to, dryRun, ...flags }: AcceptFlags) => {
      const options = policyOptions(flags);
      await withPolicies(flags, async log => {
        const before = log.policy(policyId);
        const profiles = await log.profiles(policyId);
        const learned = profiles.length > 0 ? makePolicy(profiles, emittersOf(before), options) : undefined;
        if (!learned)
          throw new SluiceError('INPUT_INVALID', `nothing was learned of ${policyId}: is enrich running?`);
        if (learned.digest === before.digest)
          throw new SluiceError(
            'INPUT_INVALID',
            `${policyId} says what was learned already (generation ${before.generation})`,
          );
        const difference = diffPolicies(
          before.documents.map(parseAnyDocument),
          learned.documents.map(parseAnyDocument),
        );
        if (dryRun) {
          process.stdout.write(diffText(difference));
          process.exitCode = exitCodes.findings.code;
          return;
        }
        process.stderr.write(diffText(difference));
        const said = who(flags);
        const change = { ...learned, stage: to === undefined ? before.stage : stageOf(to) };
        const reason = said.reason || 'drift accepted';
        printPolicies(await publish(log, [{ before, change }], { ...said, reason }), flags);
      });
    });
}
