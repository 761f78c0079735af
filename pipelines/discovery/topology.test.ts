import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flattenRules, parseDocument, selects } from '#policy';
import { type BehaviourProfile, localSerdes, type Policy, type PolicyTransition } from '#schemas';
import { manualClock, type OutputRecord, type TestDriver, testDriver } from '#streams';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  type SampleEvent,
  topicOf,
} from '../enrich/sample-cluster.ts';
import { enrichTopology } from '../enrich/topology.ts';
import { admits } from './evaluate.ts';
import type { PlanSettings } from './plan-policies.ts';
import { discoveryTopology } from './topology.ts';

const serdes = localSerdes();
const tenant = 'default';

interface Learning {
  readonly events: readonly SampleEvent[];
  readonly partitions?: number;
  /** How many events go in before the pipelines get time. */
  readonly step?: number;
}

function enriched({
  events,
  partitions = 1,
  step = events.length,
}: Learning): OutputRecord<string, BehaviourProfile>[] {
  const driver = testDriver(enrichTopology({ tenant, serdes }), {
    clock: manualClock(1_000_000),
    partitions,
  });
  driver.pipe(
    'default.entities.v1',
    entities().map(value => ({ key: keyOf.entity(value), value })),
  );
  for (let at = 0; at < events.length; at += step) {
    for (const value of events.slice(at, at + step))
      driver.append(`default.${topicOf(value)}`, { key: keyOf.event(value), value });
    driver.run();
    for (let i = 0; i < 2; i++) driver.advance(30_000);
  }
  expect(driver.deadLetters()).toEqual([]);
  return [...driver.read<string, BehaviourProfile>('default.behaviours.v1')];
}

function discovery(settings: Partial<PlanSettings> = {}, partitions = 1): TestDriver {
  const topology = discoveryTopology({ tenant, serdes, settings });
  return testDriver(topology, { clock: manualClock(1_000_000), partitions });
}

function settle(driver: TestDriver): OutputRecord<string, Policy>[] {
  for (let i = 0; i < 4; i++) driver.advance(500);
  return [...driver.read<string, Policy>('default.policies.v1')];
}

/** The last policy of each workload. */
function discovered(learning: Learning): Map<string, Policy> {
  const driver = discovery({}, learning.partitions);
  const policies = new Map<string, Policy>();
  for (const { key, value } of enriched(learning)) {
    driver.pipe('default.behaviours.v1', { key, value });
    for (const policy of settle(driver)) policies.set(policy.key, policy.value);
  }
  return policies;
}

/** What a policy is, apart from when it was made and on how much evidence. */
function essence(policies: ReadonlyMap<string, Policy>) {
  return [...policies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, { digest, documents, target, losses, rules }]) => ({
      ...{ id, digest, documents, target, losses },
      rules: rules.map(({ ruleId, document, summary }) => ({ ruleId, document, summary })),
    }));
}

describe('discovery', () => {
  it('looks as its picture', async () => {
    await expect(discoveryTopology({ tenant, serdes }).describe()).toMatchFileSnapshot('golden/topology.txt');
  });

  it('writes the policies of the sample cluster', async () => {
    const policies = [...discovered({ events: ordinaryEvents() }).values()];
    const shown = policies.map(({ policyId, stage, losses, rules, documents }) => ({
      ...{ policyId, stage, losses },
      rules: rules.map(({ ruleId, summary, observed }) => `${ruleId} (${observed}) ${summary}`),
      documents: documents.map(({ content }) => JSON.parse(content)),
    }));
    await expect(`${JSON.stringify(shown, null, 2)}\n`).toMatchFileSnapshot('golden/sample-policies.json');
  });

  it('gives the same bytes whatever the order, repetition, partitioning and batching of events', () => {
    const ordinary = ordinaryEvents();
    const indices = ordinary.map((_, index) => index);
    const expected = essence(discovered({ events: ordinary }));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(indices, { minLength: indices.length }),
        fc.subarray(indices),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 30 }),
        (shuffled, again, partitions, step) => {
          const events = [...shuffled, ...again].map(index => ordinary[index]!);
          expect(essence(discovered({ events, partitions, step }))).toEqual(expected);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is sound: every behaviour it learned is admitted', () => {
    const profiles = new Map(enriched({ events: ordinaryEvents() }).map(({ key, value }) => [key, value]));
    const policies = discovered({ events: ordinaryEvents() });
    let judged = 0;
    for (const {
      cluster,
      namespace,
      workloadKind,
      workload,
      selector,
      container,
      behaviours,
    } of profiles.values()) {
      const policy = policies.get(`${cluster}/${namespace}/${workloadKind}/${workload}`)!;
      const subject = { namespace, labels: selector, container };
      const rules = policy.documents
        .map(parseDocument)
        .filter(document => selects(document, subject))
        .flatMap(flattenRules);
      for (const behaviour of behaviours)
        expect(admits(rules, behaviour), JSON.stringify(behaviour)).toBe(true);
      judged += behaviours.length;
      expect(admits(rules, { ...behaviours[0]!, operation: 'EXEC', object: '/bin/sh' })).toBe(false);
      expect(admits(rules, { ...behaviours[0]!, operation: 'FILE_READ', object: '/etc/shadow' })).toBe(false);
      expect(admits(rules, { ...behaviours[0]!, operation: 'SYSCALL', object: 'ptrace' })).toBe(false);
    }
    expect(judged).toBeGreaterThan(15);
  });

  it('names rules as whoever reads the documents will', () => {
    for (const { documents, rules } of discovered({ events: ordinaryEvents() }).values()) {
      const read = documents
        .map(parseDocument)
        .flatMap(document =>
          flattenRules(document).map(({ ruleId }) => `${document.metadata.name} ${ruleId}`),
        );
      expect(rules.map(({ document, ruleId }) => `${document} ${ruleId}`).sort()).toEqual(read.sort());
      for (const { ruleId, evidence } of rules)
        if (!/default|syscall/.test(ruleId)) expect(evidence!.samples.length).toBeGreaterThan(0);
    }
  });

  it('does not forbid tracing to who was seen tracing', () => {
    const make = eventMaker();
    const events = [make.exec({ pod: pods.db0 }, '/usr/bin/gdb'), make.syscall({ pod: pods.db0 }, 'ptrace')];
    const [policy] = [...discovered({ events }).values()];
    expect(policy!.documents.some(({ name }) => name.endsWith('-block'))).toBe(false);
  });

  it('counts generations up, and publishes nothing while nothing changes', () => {
    const driver = discovery();
    const make = eventMaker();
    const events = [make.open({ pod: pods.db0 }, '/a'), make.open({ pod: pods.db0 }, '/b')];
    const snapshots = enriched({ events, step: 1 });
    expect(snapshots.length).toBeGreaterThanOrEqual(2);
    const published = snapshots.flatMap(({ key, value }) => {
      driver.pipe('default.behaviours.v1', { key, value });
      return settle(driver);
    });
    expect(published.map(({ value }) => value.generation)).toEqual([1, 2]);
    expect(published[1]!.value.prevDigest).toBe(published[0]!.value.digest);
    driver.pipe('default.behaviours.v1', snapshots.map(({ key, value }) => ({ key, value })).slice(-1));
    expect(settle(driver)).toEqual([]);
  });

  it('continues the generations that are in the topic, over a crash too', () => {
    const events = [eventMaker().open({ pod: pods.db0 }, '/a')];
    const [snapshot] = enriched({ events });
    const driver = discovery();
    const key = 'east/shop/StatefulSet/db';
    driver.pipe('default.behaviours.v1', { key: snapshot!.key, value: snapshot!.value });
    const [first] = settle(driver);
    driver.pipe('default.policies.v1', {
      key,
      value: { ...first!.value, generation: 7, digest: 'sha256:other' },
    });
    driver.read('default.policies.v1');
    driver.crash();
    driver.recover();
    expect(settle(driver).map(({ value }) => [value.generation, value.prevDigest])).toEqual([
      [8, 'sha256:other'],
    ]);
  });

  it('does not take back what was carried past its stage: that is drift', () => {
    const make = eventMaker();
    const [before, after] = [
      enriched({ events: [make.open({ pod: pods.db0 }, '/a')] })[0]!,
      enriched({ events: [make.open({ pod: pods.db0 }, '/b')] })[0]!,
    ];
    const driver = discovery();
    driver.pipe('default.behaviours.v1', { key: before.key, value: before.value });
    const [first] = settle(driver);
    driver.pipe('default.policies.v1', {
      key: first!.key,
      value: { ...first!.value, generation: 2, stage: 'ENFORCE' },
    });
    driver.read('default.policies.v1');
    driver.pipe('default.behaviours.v1', { key: after.key, value: after.value });
    expect(settle(driver)).toEqual([]);
    expect(driver.counters.get('policies.drift')).toBe(1);
  });

  it.each(['LEARNING', 'CANDIDATE', 'SHADOW'] as const)(
    'goes back to its own stage from %s when something new is seen, and says so in a transition',
    stage => {
      const make = eventMaker();
      const seen = (path: string) => enriched({ events: [make.open({ pod: pods.db0 }, path)] })[0]!;
      const driver = discovery({ stage: 'LEARNING' });
      const learn = ({ key, value }: { key: string; value: BehaviourProfile }) => {
        driver.pipe('default.behaviours.v1', { key, value });
        return settle(driver);
      };
      const [first] = learn(seen('/a'));
      if (stage !== 'LEARNING') {
        const value = { ...first!.value, generation: 2, stage };
        driver.pipe('default.policies.v1', { key: first!.key, value });
        driver.read('default.policies.v1');
      }
      const [next] = learn(seen('/b'));
      expect(next!.value).toMatchObject({ stage: 'LEARNING', prevDigest: first!.value.digest });
      const told = driver
        .read<string, PolicyTransition>('default.policy-transitions.v1')
        .map(({ value: { generation, from, to } }) => [generation, from, to]);
      expect(told).toEqual(stage === 'LEARNING' ? [] : [[3, stage, 'LEARNING']]);
    },
  );

  it('waits until no behaviour was new for a while, but not for ever', () => {
    const make = eventMaker();
    const driver = discovery({ quietMs: 1000, maxWaitMs: 3000 });
    const published: number[] = [];
    for (let i = 0; i < 8; i++) {
      const [snapshot] = enriched({ events: [make.open({ pod: pods.db0 }, `/file-${i}`)] });
      driver.pipe('default.behaviours.v1', { key: snapshot!.key, value: snapshot!.value });
      driver.advance(500);
      published.push(driver.read('default.policies.v1').length);
    }
    expect(published).toEqual([0, 0, 0, 0, 0, 1, 0, 0]);
  });

  it('makes no policy for what nothing selects', () => {
    const [snapshot] = enriched({ events: [eventMaker().open({ pod: pods.db0 }, '/a')] });
    const driver = discovery();
    driver.pipe('default.behaviours.v1', { key: snapshot!.key, value: { ...snapshot!.value, selector: {} } });
    expect(settle(driver)).toEqual([]);
    expect(driver.counters.get('records.dropped.nothing-to-say')).toBe(1);
  });

  it('passes old profiles on with the present time, lest retention takes them unread', () => {
    const [snapshot] = enriched({ events: ordinaryEvents() });
    const driver = discovery();
    driver.pipe('default.behaviours.v1', { key: snapshot!.key, value: snapshot!.value, timestampMs: 1 });
    const [between] = driver.records('discovery-by-workload-repartition');
    expect(between!.timestampMs).toBe(driver.clock.now());
  });
});
