/** A comparison of policies, for people and for programs. */

import type { Actor, Difference, PolicyDiff } from '../../pipelines/discovery/index.ts';

/** Empty when nothing differs. */
export function diffText({ opens, closes, audits, unjudged }: PolicyDiff): string {
  const lines = [
    ...section('+', 'opens', opens),
    ...section('-', 'closes', closes),
    ...section('~', 'is audited otherwise', audits),
    ...unjudged.map(each => `? cannot be judged: ${each}`),
  ];
  return lines.map(line => `${line}\n`).join('');
}

function section(mark: string, title: string, differences: readonly Difference[]): string[] {
  const byActor = Map.groupBy(differences, ({ change }) => actorText(change.access.actor));
  return [...byActor].flatMap(([actor, each]) => [
    `${title} for ${actor}: ${each.length}`,
    ...each.map(({ what, isSample, change }) => {
      const [denying] = [change.before, change.after].filter(({ verdict }) => verdict === 'deny');
      const by = denying?.rule ? `  [${denying.rule.document} ${denying.rule.ruleId}]` : '';
      return `${mark} ${what}${isSample ? ' (a sample of it)' : ''}${by}`;
    }),
  ]);
}

export function actorText(actor: Actor): string {
  const labels = (of: Readonly<Record<string, string>>) =>
    Object.entries(of)
      .map(each => each.join('='))
      .join(',') || 'all';
  if ('nodeLabels' in actor) return `nodes ${labels(actor.nodeLabels)}`;
  const { namespace, labels: own, container } = actor;
  return `${namespace} ${labels(own)}${/^\w/.test(container) ? ` container ${container}` : ''}`;
}

/** One object. */
export function diffJson({ opens, closes, audits, unjudged }: PolicyDiff): string {
  const plain = (differences: readonly Difference[]) =>
    differences.map(({ what, isSample, change: { access, before, after } }) => ({
      ...{ what, isSample, access, before, after },
    }));
  const found = { opens: plain(opens), closes: plain(closes), audits: plain(audits), unjudged };
  return `${JSON.stringify(found, null, 2)}\n`;
}
