/** The discovery process: `node pipelines/discovery/main.ts [--config FILE]`. Its settings, and those every pipeline has: run-pipeline.ts. */

import { z } from 'zod';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import type { Stage } from '#schemas';
import { runPipeline } from '#streams';
import { emitterNames, knownEmitters } from './make-policy.ts';
import { policyOptionsOf, policySettings } from './policy-settings.ts';
import { discoveryDefaults, discoveryTopology } from './topology.ts';

const milliseconds = z.coerce.number().int().positive();

await runPipeline({
  name: 'discovery',
  doing: 'writing policies',
  settings: {
    quietMs: milliseconds.default(discoveryDefaults.quietMs),
    maxWaitMs: milliseconds.default(discoveryDefaults.maxWaitMs),
    /** What policies are published as. */
    stage: z
      .enum(['learning', 'candidate', 'audit', 'enforce'])
      .default('candidate')
      .transform(stage => stage.toUpperCase() as Stage),
    /** Comma-separated. */
    emit: z
      .string()
      .default(emitterNames.join(','))
      .transform(list => list.split(',').map(name => name.trim()))
      .pipe(z.array(z.enum(knownEmitters))),
    ...policySettings,
  },
  topics: ['behaviours.v1', 'policies.v1', 'policy-transitions.v1', 'agents.health.v1'],
  adapters: { client: kafkaClient, registry: ccompatRegistry },
  topology: ({ settings, ...setup }) =>
    discoveryTopology({ ...setup, settings: { ...settings, policy: policyOptionsOf(settings) } }),
});
