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
  const tookMs = await measurePolicyUpdates({ bootstrapServers, registryUrl, tenant: 'bench', updates });
  const result = {
    bench: 'policy-updates',
    updates,
    medianMs: Math.round(median(tookMs)),
    largestMs: Math.round(Math.max(...tookMs)),
    smallestMs: Math.round(Math.min(...tookMs)),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await stack.stop();
}
