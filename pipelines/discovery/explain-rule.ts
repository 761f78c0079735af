import type { PolicyRule } from '#schemas';

/** Why a rule stands, as text: what it says, what it admits unseen, on how much evidence, and where that is. */
export function explainRule({
  ruleId,
  document,
  summary,
  observed,
  admits,
  unseen,
  evidence,
}: PolicyRule): string {
  const head = `${ruleId} of ${document}: ${summary}`;
  if (!evidence) return `${head}\nno evidence: it stands for what was never seen`;
  const day = (us: number) => new Date(us / 1000).toISOString();
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  return [
    head,
    admits === ''
      ? 'admits nothing that was not seen'
      : `admits ${unseen < 0 ? 'things nobody can count' : many(unseen, 'thing')} that were not seen: ${admits}`,
    `${many(observed, 'distinct object')}, ${many(evidence.count, 'event')} on ${many(evidence.days.length, 'day')} by ${many(evidence.replicas.length, 'replica')}`,
    `from ${day(evidence.firstSeen)} to ${day(evidence.lastSeen)}`,
    ...evidence.samples.map(({ topic, partition, offset }) => `for example ${topic}/${partition}@${offset}`),
  ].join('\n');
}
