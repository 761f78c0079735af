/** A simulation as people read it. */

import type { Finding, Simulation } from '../pipelines/verify/simulate/index.ts';

/** Sections of findings, by workload; empty when nothing was found. */
export function simulationText({ denied, audited, stillDenied, opened }: Simulation): string {
  return [
    ...section('would be denied', denied),
    ...section('would be audited', audited),
    ...section('was denied already, and would be again', stillDenied),
    ...section('was denied, and would not be any more', opened),
  ]
    .map(line => `${line}\n`)
    .join('');
}

function section(title: string, findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const byWorkload = Map.groupBy(findings, workloadOf);
  return [
    `${title}:`,
    ...[...byWorkload].flatMap(([workload, each]) => [
      `  ${workload}: ${many(each.length, 'access')}, ${many(eventsOf(each), 'event')}`,
      ...each.flatMap(lines),
    ]),
  ];
}

function workloadOf({ workload }: Finding): string {
  const { cluster, namespace, workloadKind, workload: name } = workload;
  return [cluster, namespace, workloadKind, name].filter(each => each !== '').join('/');
}

function eventsOf(findings: readonly Finding[]): number {
  return findings.reduce((sum, { count }) => sum + count, 0);
}

function lines(finding: Finding): string[] {
  const { container, what, count, firstSeen, lastSeen, recorded, isConcluded, example } = finding;
  const who = container === '' ? '' : `${container} `;
  const marks = [
    ...(recorded === 'AUDIT' ? ['audited when it was recorded'] : []),
    ...(isConcluded ? ['only the other side told of it'] : []),
  ];
  const when = count === 1 ? timeText(firstSeen) : `${timeText(firstSeen)} to ${timeText(lastSeen)}`;
  return [
    `    ${who}${what}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`,
    `      ${many(count, 'event')}, ${when}; for example ${example.place}`,
    `      ${reasonOf(finding)}`,
  ];
}

function reasonOf({ rule, isNamed }: Finding): string {
  if (rule === null) return 'no policy speaks of it';
  const { document, at, ruleId } = rule;
  return isNamed ? `${document}: ${at} (${ruleId})` : `${document}: no rule admits it (${at})`;
}

function timeText(us: number): string {
  return new Date(us / 1000).toISOString();
}

export function many(count: number, what: string): string {
  if (count === 1) return `1 ${what}`;
  return `${count} ${what}${what.endsWith('s') ? 'es' : 's'}`;
}
