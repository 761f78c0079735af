import process from 'node:process';
import type { Command } from 'commander';
import { SluiceError } from '#errors';
import type { Policy } from '#schemas';
import { explainRule } from '../../pipelines/discovery/index.ts';
import { textTable } from '../text-table.ts';
import { withFreshEvidence } from './fresh-evidence.ts';
import { addPolicyOptions, type PolicyFlags, policyOptions, timeText, withPolicies } from './options.ts';

export function explain(group: Command): void {
  addPolicyOptions(group.command('explain <policy-id> [rule-id]'))
    .description(
      'why a policy says what it says: evidence of its rules, what they admit unseen, how sure it is',
    )
    .action(async (policyId: string, ruleId: string | undefined, flags: PolicyFlags) => {
      const options = policyOptions(flags);
      await withPolicies(flags, async log => {
        const profiles = await log.profiles(policyId);
        const policy = withFreshEvidence(log.policy(policyId), profiles, options);
        if (ruleId !== undefined) explainOne(policy, ruleId, flags);
        else if (flags.output === 'json')
          process.stdout.write(`${JSON.stringify(withoutDocuments(policy), null, 2)}\n`);
        else process.stdout.write(`${head(policy)}\n${rulesTable(policy)}${lossText(policy)}`);
      });
    });
}

/** Errors: INPUT_INVALID, naming the rules there are. */
function explainOne(policy: Policy, ruleId: string, { output }: PolicyFlags): void {
  const rules = policy.rules.filter(each => each.ruleId === ruleId);
  if (rules.length === 0) {
    const there = [...new Set(policy.rules.map(each => each.ruleId))].join(', ') || 'none';
    throw new SluiceError('INPUT_INVALID', `${policy.policyId} has no rule ${ruleId}. There are: ${there}`);
  }
  const text = rules.map(rule => (output === 'json' ? JSON.stringify(rule, null, 2) : explainRule(rule)));
  process.stdout.write(text.map(each => `${each}\n`).join(''));
}

function withoutDocuments({ documents: _, ...about }: Policy) {
  return about;
}

function head({ policyId, generation, stage, digest, confidence }: Policy): string {
  const lines = [`${policyId}: generation ${generation}, ${stage.toLowerCase()}, ${digest}`];
  if (confidence) {
    const { behaviours, events, lostEvents, unseenMass, replicas, days, confidence: sure } = confidence;
    lines.push(
      `confidence ${sure.toFixed(4)}: ${behaviours} behaviours in ${events} events by ${replicas} replicas on ${days} days`,
      `the next event shows something new with a probability of about ${unseenMass.toFixed(4)}; ${lostEvents} events were lost`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A row each; of what nothing was seen, without evidence. */
export function rulesTable({ rules }: Pick<Policy, 'rules'>): string {
  const rows = rules.map(({ ruleId, document, summary, observed, unseen, evidence }) => [
    ...[ruleId, document, String(observed), unseen < 0 ? 'many' : String(unseen)],
    ...(evidence
      ? [
          ...[String(evidence.count), String(evidence.replicas.length), String(evidence.days.length)],
          ...[timeText(evidence.firstSeen), timeText(evidence.lastSeen)],
        ]
      : ['', '', '', '', '']),
    summary,
  ]);
  const columns = [
    'rule',
    'document',
    'seen',
    'unseen',
    'events',
    'replicas',
    'days',
    'first',
    'last',
    'says',
  ];
  return textTable([columns, ...rows]);
}

function lossText({ losses }: Policy): string {
  return losses.map(loss => `in no rule: ${loss}\n`).join('');
}
