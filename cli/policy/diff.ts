import { existsSync } from 'node:fs';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { SluiceError } from '#errors';
import { type AnyPolicyObject, parseAnyDocument } from '#policy';
import { type Policy, policyIdOf } from '#schemas';
import { type Access, diffPolicies, seenAccesses } from '../../pipelines/discovery/index.ts';
import { readCandidates } from '../../pipelines/verify/simulate/index.ts';
import { addBrokerOptions, type BrokerOptions } from '../broker-options.ts';
import { exitCodes } from '../exit-codes.ts';
import { diffJson, diffText } from './diff-text.ts';
import { withPolicies } from './options.ts';
import type { PolicyLog } from './policy-log.ts';

interface DiffFlags extends BrokerOptions {
  readonly output: 'text' | 'json';
}

interface Side {
  readonly objects: readonly AnyPolicyObject[];
  readonly policyIds: readonly string[];
}

export function diff(group: Command): void {
  addBrokerOptions(group.command('diff <before> [after]'))
    .description(
      'what opens and what closes between two sets of policies: files or directories, ID, ID@GENERATION, or topic for all that stand',
    )
    .addHelpText(
      'after',
      '\nWith one ID: between the content before and the one that stands. Exit 1 when they differ.',
    )
    .addOption(
      new Option('-o, --output <form>', 'form of the data').choices(['text', 'json']).default('text'),
    )
    .action(async (before: string, after: string | undefined, { output, ...flags }: DiffFlags) => {
      const sides = after === undefined ? [before] : [before, after];
      const { a, b, seen } = sides.every(isPath)
        ? await offline(before, after)
        : await withPolicies(flags, log => online(log, before, after));
      const found = diffPolicies(a.objects, b.objects, seen);
      process.stdout.write(output === 'json' ? diffJson(found) : diffText(found));
      const { opens, closes, audits } = found;
      process.stderr.write(
        `${opens.length} open, ${closes.length} close, ${audits.length} are audited otherwise\n`,
      );
      if (opens.length + closes.length + audits.length > 0) process.exitCode = exitCodes.findings.code;
    });
}

function isPath(side: string): boolean {
  return side !== 'topic' && existsSync(side);
}

async function offline(before: string, after: string | undefined) {
  if (after === undefined)
    throw new SluiceError('INPUT_INVALID', `${before} is compared with something else: name both sides`);
  const side = (path: string): Side => ({ objects: readCandidates([path]), policyIds: [] });
  return { a: side(before), b: side(after), seen: [] as Access[] };
}

/** What the workloads were seen doing is compared too. */
async function online(log: PolicyLog, before: string, after: string | undefined) {
  const [a, b] =
    after === undefined
      ? await lastChange(log, before)
      : [await sideOf(log, before), await sideOf(log, after)];
  const profiles = await log.profiles(...a.policyIds, ...b.policyIds);
  const workloads = Map.groupBy(profiles, policyIdOf).values();
  const seen = [...workloads].flatMap(seenAccesses).map(({ access }) => access);
  return { a, b, seen };
}

/** Errors: INPUT_INVALID when nothing of that name is there. */
async function sideOf(log: PolicyLog, side: string): Promise<Side> {
  if (side === 'topic') {
    const acting = log.standing.all().filter(({ stage }) => stage !== 'RETIRED');
    return { objects: acting.flatMap(objectsOf), policyIds: acting.map(({ policyId }) => policyId) };
  }
  if (isPath(side)) return { objects: readCandidates([side]), policyIds: [] };
  const [, policyId = side, generation] = /^(.*)@(\d+)$/.exec(side) ?? [];
  const standing = log.policy(policyId);
  const version = generation === undefined ? standing : await log.version(policyId, Number(generation));
  return { objects: objectsOf(version), policyIds: [policyId] };
}

async function lastChange(log: PolicyLog, policyId: string): Promise<[Side, Side]> {
  const standing = log.policy(policyId);
  const earlier = (await log.versions(policyId)).findLast(
    ({ policy }) => policy.generation < standing.generation && policy.digest !== standing.digest,
  );
  if (!earlier)
    throw new SluiceError(
      'INPUT_INVALID',
      `${policyId} had no other content before that is kept; see policy history`,
    );
  const side = (policy: Policy): Side => ({ objects: objectsOf(policy), policyIds: [policyId] });
  return [side(earlier.policy), side(standing)];
}

function objectsOf({ documents }: Policy): AnyPolicyObject[] {
  return documents.map(parseAnyDocument);
}
