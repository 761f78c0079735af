/** The policies that are tried: documents of files, or of policies.v1. */

import { readFileSync } from 'node:fs';
import { SluiceError } from '#errors';
import type { LogClient } from '#kafka';
import { type AnyPolicyObject, parseAnyDocument, parseAnyPolicyText, StandingPolicies } from '#policy';
import { captureSpans, listInputs, readSpan } from '#recordings';
import type { Policy, Serdes, Stage } from '#schemas';
import { PolicySet } from '../../discovery/index.ts';

/**
 * All documents of the files; of a directory those that end as YAML or JSON does.
 * Errors: POLICY_INVALID naming file, document and field; INPUT_INVALID when there is none, or one twice.
 */
export function readCandidates(paths: readonly string[]): AnyPolicyObject[] {
  const files = listInputs(paths).filter(({ name, isNamed }) => isNamed || /\.(ya?ml|json)$/.test(name));
  const fileOf = new Map<string, string>();
  const policies = files.flatMap(({ name: file }) => {
    const text = readFileSync(file === 'stdin' ? 0 : file, 'utf8');
    return policiesIn(text, file).map(policy => {
      const name = `${policy.kind} ${policy.metadata.namespace ?? ''}/${policy.metadata.name}`;
      const other = fileOf.get(name);
      if (other !== undefined)
        throw new SluiceError('INPUT_INVALID', `${name} is in ${other} and in ${file}: keep the one to try`);
      fileOf.set(name, file);
      requireJudgeable(policy, file);
      return policy;
    });
  });
  if (policies.length === 0)
    throw new SluiceError(
      'INPUT_INVALID',
      `${paths.join(', ')}: no policy documents (*.yaml, *.yml, *.json)`,
    );
  return policies;
}

/** Errors: POLICY_INVALID naming the file too. */
function requireJudgeable(policy: AnyPolicyObject, file: string): void {
  try {
    new PolicySet([policy]);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(error.code, `${file}: ${error.message}`, { cause: error });
  }
}

/** `sluice discover -o json` writes a list of documents. */
function policiesIn(text: string, file: string): AnyPolicyObject[] {
  if (!/^\s*\[/.test(text)) return parseAnyPolicyText(text, file);
  const documents = JSON.parse(text) as unknown[];
  return documents.flatMap((each, index) =>
    parseAnyPolicyText(JSON.stringify(each), `${file}, document ${index + 1}`),
  );
}

export interface PublishedOptions {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
}

/** The version that stands of every policy in policies.v1, by policy id. Errors: the log's, and those of unreadable records. */
export async function readPublished({
  client,
  serdes,
  tenant,
}: PublishedOptions): Promise<readonly Policy[]> {
  const standing = new StandingPolicies();
  for (const span of await captureSpans(client, { tenant, names: ['policies.v1'] })) {
    await readSpan(
      { ...span, name: 'policies.v1' },
      {
        ...{ client, serdes },
        onRecords: records => {
          for (const each of records) {
            if ('error' in each) throw each.error;
            standing.apply({ key: each.record.key?.toString() ?? '', value: each.value });
          }
        },
      },
    );
  }
  return standing.all();
}

/** Documents of the policies at these stages. Errors: POLICY_INVALID; INPUT_INVALID when there is none. */
export function publishedCandidates(
  published: readonly Policy[],
  stages: readonly Stage[],
): AnyPolicyObject[] {
  const mine = published.filter(({ stage }) => stages.includes(stage));
  if (mine.length > 0) return mine.flatMap(({ documents }) => documents.map(parseAnyDocument));
  const there = [...new Set(published.map(({ stage }) => stage.toLowerCase()))].sort().join(', ') || 'none';
  throw new SluiceError(
    'INPUT_INVALID',
    `policies.v1 holds no policy at ${stages.map(stage => stage.toLowerCase()).join(', ')}; stages there: ${there}`,
  );
}
