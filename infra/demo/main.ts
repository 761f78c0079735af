/**
 * The demo (`node infra/demo/main.ts`): a recorded capture through real Kafka, the policies it leads to, what to look at next.
 *
 * Standard output is the policies; what is said about them goes to standard error. The stack stays up: `sluice down` ends it.
 * With `--ephemeral` it runs on a stack of its own that ends with it.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { kafkaClient, type LogClient, type PartitionRange } from '#kafka';
import { provisionTenant, type Stack, startStack } from '#local';
import { ccompatRegistry } from '#registry';
import { openSerdes, type Policy, type Serdes } from '#schemas';
import { replayCapture } from '../capture/index.ts';
import { eventTopics } from '../loop/observer.ts';
import { Pipelines } from '../loop/pipelines.ts';
import { endsOf, isEnriched } from '../loop/progress.ts';
import { Steps, until } from '../loop/steps.ts';
import { tap } from '../loop/tap.ts';

const tenant = 'demo';
const root = join(import.meta.dirname, '../..');
const capture = join(import.meta.dirname, 'nginx-redis.avro');
const logs = join(root, '.sluice/demo');
/** Discovery publishes half a second after the last new behaviour. */
const quietMs = 2000;

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { ephemeral: { type: 'boolean', default: false } } });
  const steps = new Steps();
  mkdirSync(logs, { recursive: true });
  const stack = await steps.run('Kafka and the schema registry', () =>
    startStack({ ephemeral: values.ephemeral, report: line => steps.note(line) }),
  );
  await steps.run(`topics and schemas of tenant ${tenant}`, () => provisionTenant(stack, tenant));
  const client = kafkaClient({ bootstrapServers: stack.bootstrapServers, clientId: 'demo' });
  const pipelines = new Pipelines({ stack, tenant, logs });
  try {
    const serdes = await openSerdes({ registry: ccompatRegistry({ url: stack.registryUrl }), tenant });
    const beganMs = performance.now();
    const records = await steps.run('a recording of nginx and redis into the topics', () =>
      replayCapture({ client, serdes, tenant, path: capture }),
    );
    const policies = await steps.run('enrich and discovery', async () => {
      const ends = await endsOf({ client, tenant }, eventTopics);
      await pipelines.start();
      return discovered(client, serdes, ends);
    });
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    process.stdout.write(policies.flatMap(documentsOf).join('---\n'));
    conclude({ stack, records, policies, seconds });
  } finally {
    await pipelines.close();
    await client.close();
    if (values.ephemeral) await stack.stop();
  }
}

/** The policies, once enrich has gone past all events and discovery has nothing to add. */
async function discovered(
  client: LogClient,
  serdes: Serdes,
  ends: readonly PartitionRange[],
): Promise<readonly Policy[]> {
  const policies = new Map<string, Policy>();
  let lastMs = performance.now();
  const close = await tap({
    ...{ client, serdes, tenant, topics: ['policies.v1'], groupId: `demo-${randomUUID()}` },
    onRecord: ({ key, value }) => {
      if (value === null) policies.delete(key);
      else policies.set(key, value as Policy);
      lastMs = performance.now();
    },
    onFailed: error => say(`reading policies.v1 ended: ${error.message}`),
  });
  await until(`policies (see the logs in ${logs})`, 80_000, async () => {
    const isQuiet = policies.size > 0 && performance.now() - lastMs > quietMs;
    return (isQuiet && (await isEnriched({ client, tenant }, ends))) || undefined;
  });
  await close();
  return [...policies.values()].sort((a, b) => (a.policyId < b.policyId ? -1 : 1));
}

function documentsOf({ documents }: Policy): string[] {
  return documents.map(({ content }) => stringify(JSON.parse(content)));
}

interface Conclusion {
  readonly stack: Stack;
  readonly records: number;
  readonly policies: readonly Policy[];
  readonly seconds: string;
}

function conclude({ stack, records, policies, seconds }: Conclusion): void {
  say(
    `\n${records} records, ${policies.length} workloads, ${seconds} s from the first record to the last policy`,
  );
  for (const { policyId, generation, stage, rules, losses } of policies) {
    say(`  ${policyId}: generation ${generation}, ${stage.toLowerCase()}, ${rules.length} rules`);
    for (const loss of losses) say(`    not in any rule: ${loss}`);
  }
  say(`
What to look at next
  the same without Kafka      npm run --silent sluice -- discover --from infra/demo/nginx-redis.avro
  the policies in the topic   npm run --silent sluice -- policy list --tenant ${tenant}
  what they would deny        npm run --silent sluice -- simulate --policies topic --from topic --tenant ${tenant}
  the topics                  any Kafka client at ${stack.bootstrapServers}, schemas at ${stack.registryUrl}
  the whole loop              make loop: the same workloads, attacked, with the kernel enforcing these policies
  end of the demo             npm run --silent sluice -- down`);
}

try {
  await main();
} catch (error) {
  say(`demo: ${(error as Error).message}`);
  process.exitCode = 1;
}
