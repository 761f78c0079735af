/** The last line of the bench: one JSON object. */

import type { Figures, Throughput } from './throughput.ts';

/** `null`: it did not take part. */
export function summaryOf(throughput: Throughput): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(throughput).map(([mode, figures]) => {
      const { ours, 'ours-disk': disk, jvm, 'jvm-rocksdb': rocks, kafkats } = figures;
      return [
        mode,
        {
          ours: rate(ours),
          kafkaStreams: rate(jvm),
          kafkats: rate(kafkats),
          oursToKafkaStreams: ratio(ours, jvm),
          oursToKafkats: ratio(ours, kafkats),
          rssMb: { ours: rss(ours), kafkaStreams: rss(jvm), kafkats: rss(kafkats) },
          onDisk: { ours: rate(disk), kafkaStreams: rate(rocks) },
          withStart: {
            ours: ours?.perSecondWithStart ?? null,
            kafkaStreams: jvm?.perSecondWithStart ?? null,
          },
          cpuSecondsPerMillion: {
            ours: ours?.cpuSecondsPerMillion ?? null,
            kafkaStreams: jvm?.cpuSecondsPerMillion ?? null,
          },
        },
      ];
    }),
  );
}

const rate = (figures: Figures | undefined) => figures?.perSecond ?? null;
const rss = (figures: Figures | undefined) => figures?.rssMb ?? null;
const ratio = (a: Figures | undefined, b: Figures | undefined) =>
  a && b ? Number((a.perSecond / b.perSecond).toFixed(2)) : null;

/** Half of what the slower of ours and Kafka Streams did when every count was emitted; undefined when it is not known. */
export function halfLoad(throughput: Throughput): number | undefined {
  const { ours, jvm } = throughput['at-least-once'] ?? {};
  return ours && jvm && Math.floor(Math.min(ours.perSecond, jvm.perSecond) / 2);
}
