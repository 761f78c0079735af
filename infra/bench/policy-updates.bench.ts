/**
 * How long after an event its policy is there: both processes, a broker and a registry that this starts for itself, defaults
 * everywhere. The last line is one JSON object.
 */

import process from 'node:process';
import { startStack } from '#local';
import { measurePolicyUpdates, median } from './policy-updates.ts';

const updates = 30;

const stack = await startStack({ ephemeral: true });
try {
  const { bootstrapServers, registryUrl } = stack;
  const of = async (tenant: string, busy: boolean) => {
    const tookMs = await measurePolicyUpdates({ bootstrapServers, registryUrl, tenant, updates, busy });
    const [smallestMs, medianMs, largestMs] = [Math.min(...tookMs), median(tookMs), Math.max(...tookMs)].map(
      Math.round,
    );
    return { smallestMs, medianMs, largestMs };
  };
  const result = {
    ...{ bench: 'policy-updates', updates },
    ...{ quiet: await of('quiet', false), learning: await of('learning', true) },
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await stack.stop();
}
