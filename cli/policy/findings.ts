import process from 'node:process';
import { type Command, Option } from 'commander';
import type { FindingType, PolicyFinding } from '#schemas';
import { exitCodes } from '../exit-codes.ts';
import { textTable } from '../text-table.ts';
import { addPolicyOptions, type PolicyFlags, timeText, withPolicies } from './options.ts';

const types = { drift: 'DRIFT', stale: 'STALE', 'denial-spike': 'DENIAL_SPIKE' } as const;

interface FindingsFlags extends PolicyFlags {
  readonly type?: keyof typeof types;
  readonly all?: boolean;
}

export function findings(group: Command): void {
  addPolicyOptions(group.command('findings [policy-id]'))
    .description(
      'drift, stale rules and spikes of denials of the contents that stand; exit 1 when there are any',
    )
    .addOption(new Option('--type <type>', 'of one kind').choices(Object.keys(types)))
    .option('--all', 'of earlier contents too')
    .action(async (policyId: string | undefined, { type, all, ...flags }: FindingsFlags) => {
      await withPolicies(flags, async log => {
        if (policyId !== undefined) log.policy(policyId);
        const wanted: FindingType | undefined = type && types[type];
        const found = (await log.findings(policyId))
          .filter(each => wanted === undefined || each.type === wanted)
          .filter(each => all || log.standing.get(each.policyId)?.digest === each.digest);
        print(found, flags);
        if (found.length > 0) process.exitCode = exitCodes.findings.code;
      });
    });
}

function print(found: readonly PolicyFinding[], { output }: PolicyFlags): void {
  if (output === 'json') {
    for (const each of found) process.stdout.write(`${JSON.stringify(each)}\n`);
    return;
  }
  const rows = found.map(({ policyId, generation, type, summary, count, lastSeen, samples }) => {
    const [sample] = samples;
    const example = sample ? `${sample.topic}/${sample.partition}@${sample.offset}` : '';
    return [
      ...[policyId, String(generation), type.toLowerCase().replace('_', '-'), `${count} events`],
      ...[`last ${timeText(lastSeen)}`, summary, example],
    ];
  });
  if (rows.length > 0) process.stdout.write(textTable(rows));
}
