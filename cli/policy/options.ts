/** What the policy commands share: options, the broker, how versions are printed. */

import { userInfo } from 'node:os';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { readConfig } from '#config';
import type { Policy, Stage } from '#schemas';
import { type PolicyOptions, policyOptionsOf, policySettings } from '../../pipelines/discovery/index.ts';
import { addBrokerOptions, type BrokerOptions, brokerSettings, withBroker } from '../broker-options.ts';
import { textTable } from '../text-table.ts';
import type { Who } from './change.ts';
import { PolicyLog, policyTopics } from './policy-log.ts';

export interface PolicyFlags extends BrokerOptions {
  readonly output: 'text' | 'json';
}

export interface ReasonFlags extends PolicyFlags {
  readonly reason: string;
}

export function addPolicyOptions(command: Command): Command {
  return addBrokerOptions(
    command.addOption(
      new Option('-o, --output <form>', 'form of the data').choices(['text', 'json']).default('text'),
    ),
  );
}

export function addReason(command: Command): Command {
  return command.option('--reason <text>', 'why; kept in policy-transitions.v1', '');
}

export async function withPolicies<T>(
  flags: BrokerOptions,
  work: (log: PolicyLog) => Promise<T>,
): Promise<T> {
  return withBroker(settingsOf(flags), { clientId: 'sluice-policy', topics: policyTopics }, async broker =>
    work(await PolicyLog.open(broker)),
  );
}

const table = z.object({ ...brokerSettings, ...policySettings });

/** Errors: CONFIG_INVALID. */
function settingsOf({ bootstrapServers, registryUrl, tenant, config: file }: BrokerOptions) {
  return readConfig(table, { args: { bootstrapServers, registryUrl, tenant }, file });
}

/** How discovery makes policies, by the same variables and file. Errors: CONFIG_INVALID. */
export function policyOptions(flags: BrokerOptions): PolicyOptions {
  return policyOptionsOf(settingsOf(flags));
}

export function who({ reason }: { readonly reason: string }): Who {
  return { by: userInfo().username, reason, nowMs: Date.now() };
}

export function stageOf(name: string): Stage {
  return name.toUpperCase() as Stage;
}

/** A line each, or with `json` an object each, without documents and rules. */
export function printPolicies(policies: readonly Policy[], { output }: Pick<PolicyFlags, 'output'>): void {
  if (output === 'json') {
    for (const { rules, documents: _, ...about } of policies)
      process.stdout.write(`${JSON.stringify({ ...about, rules: rules.length })}\n`);
    return;
  }
  const rows = policies.map(({ policyId, generation, stage, rules, confidence, digest }) => [
    ...[policyId, `generation ${generation}`, stage.toLowerCase(), `${rules.length} rules`],
    ...[confidence ? `confidence ${confidence.confidence.toFixed(3)}` : '', digest],
  ]);
  process.stdout.write(rows.length > 0 ? textTable(rows) : '');
}

export function timeText(us: number): string {
  return new Date(us / 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}
