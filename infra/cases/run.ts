/** All cases of a folder: discovered, scored, and told in lines. */

import { readFileSync } from 'node:fs';
import { readEntityObjects } from '#kubernetes';
import type { AnyPolicyObject } from '#policy';
import type { Access, KnownService } from '../../pipelines/discovery/index.ts';
import { type Case, readCases } from './case.ts';
import { discoverCase } from './discover.ts';
import { type Score, score } from './score.ts';
import { type PodLabels, seenIn } from './seen.ts';

export interface CaseResult {
  readonly name: string;
  /** Of all documents but NetworkPolicies, which cannot say all that is asked for. */
  readonly score: Score;
  /** With `--from-source`, of logs; null: of flows. */
  readonly confined: Score | null;
  readonly unreadable: readonly string[];
}

/** Errors: CONFIG_INVALID when it is no folder of cases. */
export function* runCases(folder: string): Generator<CaseResult> {
  const { cases, objects } = readCases(folder);
  const cluster = readCluster(objects);
  for (const each of cases) yield runCase(each, cluster);
}

function runCase({ name, inputs, records, expected, unreadable }: Case, cluster: Cluster): CaseResult {
  const { objects, pods, services } = cluster;
  const seen = seenIn(records, (namespace, pod) => {
    const found = pods.find(each => each.namespace === namespace && pod.startsWith(`${each.workload}-`));
    return found?.labels ?? {};
  });
  const of = (options: readonly string[]) =>
    score({
      policies: ofCluster(discoverCase({ inputs, objects, options })),
      expected,
      seen,
      pods,
      services,
    });
  const isLog = seen.every(({ operation }) => operation !== 'CONNECT' && operation !== 'ACCEPT');
  return { name, score: of([]), confined: isLog ? of(['--from-source']) : null, unreadable };
}

/** NetworkPolicies leave out what they cannot say, and so deny what they cannot say: that is no fault of the rest. */
function ofCluster(policies: readonly AnyPolicyObject[]): AnyPolicyObject[] {
  return policies.filter(({ kind }) => kind !== 'NetworkPolicy');
}

interface Cluster {
  /** The file it was read from. */
  readonly objects: string;
  readonly pods: readonly (PodLabels & { readonly workload: string })[];
  readonly services: readonly KnownService[];
}

function readCluster(objects: string): Cluster {
  const { templates, changes } = readEntityObjects(
    [{ text: readFileSync(objects, 'utf8'), source: objects }],
    'c',
  );
  const pods = [...templates].map(([key, { labels, containers }]) => {
    const [, namespace = '', workload = ''] = key.split('/');
    return { namespace, workload, labels, container: containers[0] ?? '' };
  });
  const services = changes.flatMap(({ namespace, name, service }) => {
    if (!service) return [];
    const slices = changes.filter(
      each => each.namespace === namespace && each.endpointSlice?.service === name,
    );
    const addresses = slices.flatMap(({ endpointSlice }) => endpointSlice!.addresses);
    return [{ namespace, name, labels: service.labels, selector: service.selector, addresses }];
  });
  return { objects, pods, services };
}

/** True when something seen is denied, or something else is admitted, by the documents that say all they can. */
export function isFailed({ score: plain, confined }: CaseResult): boolean {
  return [plain, ...(confined ? [confined] : [])].some(
    ({ denied, admitted }) => denied.length > 0 || admitted.length > 0,
  );
}

/** One line for the figures, then one for each thing to explain. */
export function* linesOf({ name, score: plain, confined, unreadable }: CaseResult): Generator<string> {
  const right = (all: number, wrong: number) => `${all - wrong}/${all}`;
  const confinedText = confined
    ? `; with --from-source ${right(confined.seen, confined.denied.length)} and ${right(confined.probes, confined.admitted.length + confined.bySource.length)}`
    : '';
  const bySource = plain.bySource.length;
  yield [
    `${name}: seen and admitted ${right(plain.seen, plain.denied.length)}`,
    `not seen and denied ${right(plain.probes, plain.admitted.length + bySource)}${confinedText}`,
    `expected rules covered ${plain.coveredRules}/${plain.expectedRules}`,
  ].join(', ');
  for (const access of plain.denied) yield `  seen, and denied: ${spelled(access)}`;
  for (const access of plain.admitted) yield `  not seen, and admitted: ${spelled(access)}`;
  for (const access of confined?.denied ?? [])
    yield `  seen, and denied with --from-source: ${spelled(access)}`;
  for (const access of [...(confined?.admitted ?? []), ...(confined?.bySource ?? [])])
    yield `  not seen, and admitted with --from-source: ${spelled(access)}`;
  if (bySource > 0)
    yield `  ${bySource} are of another executable than was seen: only --from-source tells those apart`;
  for (const rule of plain.unfounded) yield `  expected, but nothing seen is behind it: ${rule}`;
  if (plain.narrower > 0)
    yield `  the expectation admits ${plain.narrower} probes that were not seen and are denied here`;
  for (const each of unreadable) yield `  the expectation cannot be read: ${each}`;
}

function spelled({ actor, operation, object, source, transport, port, peer, http }: Access): string {
  const labels = (each: Readonly<Record<string, string>>) => Object.values(each).join('+');
  const who = 'labels' in actor ? labels(actor.labels) : labels(actor.nodeLabels);
  const request = http ? ` ${http.method} ${http.path}` : '';
  if (!peer) return `${who} ${operation} ${object}${source ? ` from ${source}` : ''}`;
  return `${who} ${operation} ${labels(peer.selector) || peer.value} ${transport} ${port}${object}${request}`;
}
