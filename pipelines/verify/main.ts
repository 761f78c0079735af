/** The verify process: `node pipelines/verify/main.ts [--config FILE]`. Its settings, and those every pipeline has: run-pipeline.ts. */

import { parse } from 'yaml';
import { z } from 'zod';
import { kafkaClient } from '#kafka';
import { ccompatRegistry } from '#registry';
import { runPipeline } from '#streams';
import { policyOptionsOf, policySettings } from '../discovery/index.ts';
import { verifySettings } from './settings.ts';
import { verifyTopology } from './topology.ts';

/** Tables in a file; in a variable as YAML, which may be JSON: SLUICE_PROMOTE='{shadow: {afterHours: 24}}'. */
const tables = z.preprocess(given => (typeof given === 'string' ? parse(given) : given), z.unknown());
const { promote, spike, rollback, staleDays, quietMs, evidenceMs, orphanMs } = verifySettings.shape;

await runPipeline({
  name: 'verify',
  doing: 'watching policies',
  settings: {
    promote: tables.pipe(promote),
    spike: tables.pipe(spike),
    rollback: tables.pipe(rollback),
    staleDays: tables.pipe(staleDays),
    quietMs: tables.pipe(quietMs),
    evidenceMs: tables.pipe(evidenceMs),
    orphanMs: tables.pipe(orphanMs),
    ...policySettings,
  },
  topics: [
    ...(['policies.v1', 'policy-history.v1', 'policy-transitions.v1', 'policy-approvals.v1'] as const),
    ...(['policy-findings.v1', 'behaviours.v1', 'alerts.v1', 'agents.health.v1'] as const),
  ],
  adapters: { client: kafkaClient, registry: ccompatRegistry },
  topology: ({ settings, ...where }) => {
    const { promote, spike, rollback, staleDays, quietMs, evidenceMs, orphanMs } = settings;
    const own = { promote, spike, rollback, staleDays, quietMs, evidenceMs, orphanMs };
    return verifyTopology({ ...where, settings: own, policy: policyOptionsOf(settings) });
  },
});
