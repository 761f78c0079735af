/**
 * The whole loop in a kernel guest: learn, discover, enforce, attack, kill, adopt (`node infra/loop/main.ts`).
 *
 * Prints a table and, as its last line, one JSON object; exits with 1 when anything of (a) to (d) does not hold.
 * `--record FILE` writes what was learned from as a capture; `--keep-logs DIR` keeps the processes' logs.
 * Nothing here knows how a part works: it starts the real ones and reads the topics.
 */

import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { bootGuest, type Guest } from '#guest';
import { kafkaClient, type LogClient } from '#kafka';
import { freePorts, type Stack, startStack } from '#local';
import { ccompatRegistry, registerAll } from '#registry';
import { entityKey, openSerdes, type Policy, type Serdes, topicName, topicSpecs } from '#schemas';
import { recordCapture } from '../capture/index.ts';
import { matchAlerts } from './attacks.ts';
import { clockOffsetMs, guestNowUs } from './clock.ts';
import { Containers, entityChanges } from './containers/index.ts';
import { LoopEnforcer } from './enforcer.ts';
import { eventTopics, Observer } from './observer.ts';
import { Pipelines } from './pipelines.ts';
import { endsOf, isEnriched } from './progress.ts';
import { type AttackResult, faults, type LoopResult, summary, table } from './report.ts';
import { Steps, until } from './steps.ts';

const tenant = 'loop';
const cluster = 'loop';
const node = 'guest';
const learningRounds = 4;
const benignRounds = 4;

interface Stage {
  readonly steps: Steps;
  readonly stack: Stack;
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly guest: Guest;
  readonly containers: Containers;
  readonly enforcer: LoopEnforcer;
  readonly observer: Observer;
  readonly pipelines: Pipelines;
  readonly recordTo: string | undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { record: { type: 'string' }, 'keep-logs': { type: 'string' } } });
  const logs = values['keep-logs'] ?? (await mkdtemp(join(tmpdir(), 'sluice-loop-')));
  await mkdir(logs, { recursive: true });
  const steps = new Steps();
  const ends: (() => unknown)[] = [];
  try {
    const stage = await setUp({ steps, logs, recordTo: values.record, ends });
    const result = await run(stage);
    process.stdout.write(`${table(result)}\n`);
    for (const fault of faults(result)) process.stdout.write(`✘ ${fault}\n`);
    process.stdout.write(`${summary(result)}\n`);
    return faults(result).length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`loop: ${(error as Error).stack}\nlogs: ${logs}\n`);
    return 1;
  } finally {
    for (const end of ends.reverse()) await Promise.resolve(end()).catch(() => {});
  }
}

interface SetUp {
  readonly steps: Steps;
  readonly logs: string;
  readonly recordTo: string | undefined;
  readonly ends: (() => unknown)[];
}

async function setUp({ steps, logs, recordTo, ends }: SetUp): Promise<Stage> {
  const stack = await steps.run('Kafka and the schema registry', async () =>
    startStack({
      ephemeral: true,
      guestListener: { port: (await freePorts(1))[0]!, advertisedHost: '10.0.2.2' },
    }),
  );
  ends.push(() => stack.stop());
  const client = kafkaClient({ bootstrapServers: stack.bootstrapServers, clientId: 'loop' });
  ends.push(() => client.close());
  const registry = ccompatRegistry({ url: stack.registryUrl });
  await registerAll(registry, tenant);
  await (await client.admin()).createTopics(topicSpecs(tenant, { partitions: 2 }));
  const serdes = await openSerdes({ registry, tenant });

  const guest = await steps.run('the guest kernel', () =>
    bootGuest({ memoryMb: 3072, onNote: text => steps.note(text) }),
  );
  ends.push(() => guest.shutdown());
  steps.note(`Linux ${guest.kernelRelease}`);
  const containers = await steps.run('the containers: network and bundles', () => Containers.prepare(guest));
  const observer = await Observer.open(client, serdes, tenant);
  ends.push(() => observer.close());
  const pipelines = new Pipelines({ stack, tenant, logs });
  ends.push(() => pipelines.close());
  const enforcer = new LoopEnforcer({
    ...{ guest, tenant, cluster, node, logPath: join(logs, 'enforcer.log') },
    onNote: text => steps.note(text),
    bootstrapServers: stack.guest!.bootstrapServers,
    registryUrl: stack.guest!.registryUrl,
  });
  ends.push(() => enforcer.close());
  return { steps, stack, client, serdes, guest, containers, enforcer, observer, pipelines, recordTo };
}

async function run(stage: Stage): Promise<LoopResult> {
  const { steps, enforcer, observer } = stage;
  const control = await steps.run('control: every attack works while nobody enforces', () =>
    controlRun(stage),
  );
  await steps.run('the enforcer in the guest', async () => {
    await enforcer.start();
    await until('the enforcer to report', 400_000, () => observer.healths.at(-1));
  });
  await steps.run('learning: nginx and redis start and are used', () => learn(stage));
  const learnedEvents = observer.events;
  steps.note(`${learnedEvents} events`);
  const policies = await steps.run('discovery, and the policies enforced', () => discover(stage));

  const alertsBefore = observer.alerts.length;
  await steps.run('(a) the same use again, and nginx started anew under its policy', async () => {
    await stage.containers.drive({ rounds: benignRounds });
    // Runtime, entrypoint and all, under the policy; that it holds for the new container too, the attacks will show.
    await stage.containers.stop('nginx');
    await stage.containers.start('nginx');
    await stage.containers.drive({ rounds: 1 });
    await settled(stage);
  });
  const benignDenials = denialsSince(stage, alertsBefore);
  for (const denial of benignDenials) steps.note(`denied: ${denial}`);

  const policy = policies.find(({ target }) => target.workload === 'nginx');
  const enforced = await steps.run('(b) the attacks', () => attackRun(stage, 'enforced', policy));
  const { attacks: orphaned, adopted } = await steps.run(
    '(c) the agent is killed, the attacks again, and a successor',
    () => orphanedRun(stage, policies, policy),
  );
  const books = await steps.run('(d) the books', () => settleBooks(stage));
  return {
    learnedEvents,
    policies: policies.length,
    rules: policies.reduce((sum, { rules }) => sum + rules.length, 0),
    benignDrives: benignRounds + 1,
    benignDenials: benignDenials.length,
    attacks: [...control, ...enforced, ...orphaned],
    adopted,
    ...books,
    seconds: steps.seconds,
  };
}

async function controlRun({ containers }: Stage): Promise<AttackResult[]> {
  await containers.start('redis');
  await containers.start('nginx');
  const attempts = await containers.attack();
  await containers.stop('nginx');
  await containers.stop('redis');
  const nothing = { alerts: () => [], policy: undefined, clockOffsetMs: 0, waitMs: 0 };
  return matchAlerts({ phase: 'control', attempts, ...nothing });
}

async function learn(stage: Stage): Promise<void> {
  const { client, serdes, containers, recordTo, guest } = stage;
  const producer = await client.producer();
  const observedAtUs = await guestNowUs(guest);
  const topic = topicName(tenant, 'entities.v1');
  await producer.send(
    entityChanges({ cluster, node, observedAtUs }).map(change => ({
      topic,
      key: Buffer.from(entityKey(change)),
      value: serdes.of('entities.v1').serialize(change),
    })),
  );
  await producer.close();
  await containers.start('redis');
  await containers.start('nginx');
  await containers.drive({ rounds: learningRounds });
  await settled(stage);
  if (recordTo) await recordCapture({ client, serdes, tenant, path: recordTo });
}

async function discover({ client, pipelines, observer, steps }: Stage): Promise<readonly Policy[]> {
  const learned = await endsOf({ client, tenant }, eventTopics);
  await pipelines.start();
  await until('the first policies', 120_000, () => observer.policies.size >= 2 || undefined);
  await until(
    'enrich to take in all events',
    120_000,
    async () => (await isEnriched({ client, tenant }, learned)) || undefined,
  );
  await observer.quiet('discovery', 4000, () => observer.lastPolicyMs);
  const candidates = [...observer.policies.values()];
  const from = observer.statuses.length;
  await pipelines.promote(candidates, 'ENFORCE');
  await until('the policies to be promoted', 60_000, () => {
    const stages = candidates.map(({ policyId }) => observer.policies.get(policyId)?.stage);
    return stages.every(stage => stage === 'ENFORCE') || undefined;
  });
  const enforced = candidates.map(({ policyId }) => observer.policies.get(policyId)!);
  await observer.statusOf('APPLIED', enforced, from);
  for (const { policyId, generation, rules } of enforced) {
    steps.note(`${policyId}: generation ${generation}, ${rules.length} rules`);
  }
  return enforced;
}

/** What has happened so far has come. */
async function settled({ observer, guest }: Stage): Promise<void> {
  await observer.settled(await guestNowUs(guest));
}

function denialsSince({ observer }: Stage, from: number): string[] {
  return observer.alerts
    .slice(from)
    .filter(({ alert }) => alert.verdict === 'DENY')
    .map(({ alert: { container, process: by, rule, execution, file, network, syscall } }) => {
      const object = execution?.path ?? file?.path ?? syscall?.syscall ?? JSON.stringify(network);
      return `${container.name}: ${by?.executable} ${object} (${rule.ruleId})`;
    });
}

async function attackRun(
  stage: Stage,
  phase: 'enforced',
  policy: Policy | undefined,
): Promise<AttackResult[]> {
  const { containers, observer, guest } = stage;
  const from = observer.alerts.length;
  const offsetMs = await clockOffsetMs(guest);
  const attempts = await containers.attack();
  return matchAlerts({
    ...{ phase, attempts, policy, clockOffsetMs: offsetMs, waitMs: 10_000 },
    alerts: () => observer.alerts.slice(from),
  });
}

async function orphanedRun(
  stage: Stage,
  policies: readonly Policy[],
  policy: Policy | undefined,
): Promise<{ readonly attacks: readonly AttackResult[]; readonly adopted: boolean }> {
  const { containers, observer, enforcer, guest, steps } = stage;
  await enforcer.kill();
  const from = observer.alerts.length;
  const offsetMs = await clockOffsetMs(guest);
  const attempts = await containers.attack();
  const statusFrom = observer.statuses.length;
  await enforcer.start();
  const adopted = await observer.statusOf('ADOPTED', policies, statusFrom).then(
    () => true,
    error => {
      steps.note((error as Error).message);
      return false;
    },
  );
  const attacks = await matchAlerts({
    ...{ phase: 'orphaned', attempts, policy, clockOffsetMs: offsetMs, waitMs: 30_000 },
    alerts: () => observer.alerts.slice(from),
  });
  return { attacks, adopted };
}

/** Ends the enforcer, so that its last statement is final, and holds it against what arrived. */
async function settleBooks({ enforcer, observer, steps }: Stage) {
  // What its predecessor had in hand when it was killed is known to be lost only after a while.
  const books = () => observer.healths.at(-1)?.spooled === 0 || undefined;
  await until('a statement with nothing held', 45_000, books).catch(error => steps.note(error.message));
  await enforcer.end();
  const said = observer.healths.length;
  await until('the last statement', 10_000, () => (observer.healths.length > said ? true : undefined)).catch(
    () => {},
  );
  await observer.quiet('the topics', 1500, () => observer.lastEventMs);
  const health = observer.healths.at(-1)!;
  const account = observer.ledger
    .accounts(new Map([[health.bootId, health.emitted]]))
    .find(({ bootId }) => bootId === health.bootId);
  for (const [first, last] of account?.gaps ?? []) steps.note(`numbers ${first} to ${last} did not arrive`);
  const { emitted, spooled, dropped } = health;
  return { emitted, arrived: account?.arrived ?? 0, spooled, dropped };
}

process.exitCode = await main();
