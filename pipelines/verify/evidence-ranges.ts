import type { EvidenceRange, Sample } from '#schemas';

/** The stretch of each partition within which the samples lie, by topic and partition. */
export function evidenceRanges(samples: readonly Sample[]): EvidenceRange[] {
  const places = Map.groupBy(samples, ({ topic, partition }) => `${topic}/${partition}`);
  return [...places]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, each]) => {
      const { topic, partition } = each[0]!;
      const offsets = each.map(({ offset }) => offset);
      return { topic, partition, fromOffset: Math.min(...offsets), toOffset: Math.max(...offsets) };
    });
}
