import process from 'node:process';
import type { Command } from 'commander';
import type { PolicyTransition } from '#schemas';
import { textTable } from '../text-table.ts';
import { addPolicyOptions, type PolicyFlags, timeText, withPolicies } from './options.ts';
import type { DatedPolicy } from './policy-log.ts';

export function history(group: Command): void {
  addPolicyOptions(group.command('history <policy-id>'))
    .description('every version of a policy that is kept: its stage, who wanted it, and why')
    .action(async (policyId: string, flags: PolicyFlags) => {
      await withPolicies(flags, async log => {
        log.policy(policyId);
        const lines = historyLines(await log.versions(policyId), await log.transitions(policyId));
        process.stdout.write(
          flags.output === 'json'
            ? lines.map(line => `${JSON.stringify(line)}\n`).join('')
            : textTable([
                ['generation', 'stage', 'content', 'rules', 'at', 'by', 'reason'],
                ...lines.map(({ generation, stage, digest, rules, atMs, by, reason }) => [
                  ...[String(generation), stage.toLowerCase(), digest, String(rules)],
                  ...[timeText(atMs * 1000), by, reason],
                ]),
              ]),
        );
      });
    });
}

/** Versions, oldest first, each with the transition that led to it: by generation, content and stage. */
export function historyLines(versions: readonly DatedPolicy[], transitions: readonly PolicyTransition[]) {
  return versions.map(({ policy, atMs }) => {
    const { generation, stage, digest, prevDigest, rules } = policy;
    const why = transitions.find(
      each => each.generation === generation && each.digest === digest && each.to === stage,
    );
    const about = { generation, stage, digest, prevDigest, rules: rules.length, atMs };
    if (!why) return { ...about, by: '', reason: '', from: null, wouldDeny: -1, evidence: [] };
    const { by, reason, from, wouldDeny, evidence } = why;
    return { ...about, by, reason, from, wouldDeny, evidence };
  });
}
