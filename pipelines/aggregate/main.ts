/** The aggregate process: `node pipelines/aggregate/main.ts [--config FILE]`. Its settings, and those every pipeline has: run-pipeline.ts. */

import { z } from 'zod';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { runPipeline } from '#streams';
import { aggregateDefaults, aggregateTopology, flowTopics } from './topology.ts';

await runPipeline({
  name: 'aggregate',
  doing: 'counting flows',
  settings: { graceMs: z.coerce.number().int().nonnegative().default(aggregateDefaults.graceMs) },
  topics: [...flowTopics, 'entities.v1', 'flows-1m.v1'],
  adapters: { client: kafkaClient, registry: ccompatRegistry },
  topology: aggregateTopology,
});
