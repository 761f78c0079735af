/** The figures of an application in Prometheus' text format. The only file that knows prom-client. */

import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { type Family, familiesOf, type MetricsSource } from './families.ts';

export interface PrometheusOptions {
  /** Whether the process's own figures (memory, CPU, event loop, collections of garbage) are published too. Absent: false. */
  readonly ofProcess?: boolean;
}

export interface PrometheusMetrics {
  readonly contentType: string;
  /** As of the call. */
  text(): Promise<string>;
}

/** Publishes an application under the label `application`; nothing is registered anywhere else. */
export function prometheusMetrics(
  streams: MetricsSource,
  { ofProcess = false }: PrometheusOptions = {},
): PrometheusMetrics {
  const labels = { application: streams.applicationId };
  const process = new Registry();
  process.setDefaultLabels(labels);
  if (ofProcess) collectDefaultMetrics({ register: process });
  return {
    contentType: process.contentType,
    async text() {
      const registry = new Registry();
      registry.setDefaultLabels(labels);
      for (const family of familiesOf(streams)) registry.registerMetric(metricOf(family));
      const texts = await Promise.all([registry.metrics(), ...(ofProcess ? [process.metrics()] : [])]);
      return texts.join('\n');
    },
  };
}

/** A metric as far as a registry asks: prom-client's own can be added to but not set, and our totals are kept elsewhere. */
function metricOf(family: Family): Metric {
  const metric = { ...family, aggregator: 'sum', get: async () => family, reset() {} };
  return metric as unknown as Metric;
}
