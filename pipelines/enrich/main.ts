/** The enrich process: `node pipelines/enrich/main.ts [--config FILE]`. Its settings, and those every pipeline has: run-pipeline.ts. */

import { z } from 'zod';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { runPipeline } from '#streams';
import { enrichDefaults, enrichTopology, reportedTopics } from './topology.ts';

const milliseconds = z.coerce.number().int().positive();

await runPipeline({
  name: 'enrich',
  doing: 'learning from events',
  settings: {
    flushMs: milliseconds.default(enrichDefaults.flushMs),
    evidenceMs: milliseconds.default(enrichDefaults.evidenceMs),
    holdMs: milliseconds.default(enrichDefaults.holdMs),
    holdLimit: z.coerce.number().int().nonnegative().default(enrichDefaults.holdLimit),
    /** Whether what belongs to no container is learned, as its node's. */
    hosts: z.union([z.boolean(), z.stringbool()]).default(enrichDefaults.hosts),
  },
  topics: [...reportedTopics, 'entities.v1', 'behaviours.v1'],
  adapters: { client: kafkaClient, registry: ccompatRegistry },
  topology: enrichTopology,
});
