/**
 * How fast events become candidate policies: events a second of processor time.
 *
 * `byEvents`, `byWorkloads`: from events as objects to policies, as `sluice discover` does it; `learn` without making the policies
 * at the end. `topologies`: the same through both topologies, with serialised records in memory. `peers`: reports of a seeded
 * cluster, by ours and by re-implementations of three peers' algorithms (discovery/). The last line is one JSON object.
 */

import process from 'node:process';
import { entityKey, eventKey, localSerdes, type Policy, topicName } from '#schemas';
import { testDriver } from '#streams';
import { discoveryDefaults, discoveryTopology, firstPolicy } from '../../pipelines/discovery/index.ts';
import { enrichTopology, LearnAtOnce } from '../../pipelines/enrich/index.ts';
import { applications } from './discovery/applications.ts';
import { Cluster } from './discovery/cluster.ts';
import { DiscoveryEngine } from './discovery/discovery-engine.ts';
import { InspektorGadget } from './discovery/inspektor-gadget.ts';
import { Kubescape } from './discovery/kubescape.ts';
import { Ours } from './discovery/ours.ts';
import { Reports } from './discovery/reports.ts';
import type { System } from './discovery/system.ts';
import { beginningUs } from './discovery/time.ts';
import { Traffic } from './discovery/traffic.ts';
import { type WorkloadEvent, workloadEntities, workloadEvent } from './many-workloads.ts';
import { ProcessorTime } from './processor-time.ts';

const tenant = 'default';
const behaviours = 100;
const chunk = 2_000;

function* chunks(events: number, workloads: number): Generator<WorkloadEvent[]> {
  for (let from = 0; from < events; from += chunk) {
    yield Array.from({ length: Math.min(chunk, events - from) }, (_, i) => {
      const at = from + i;
      const behaviour = Math.floor(at / workloads) % behaviours;
      const round = Math.floor(at / (workloads * behaviours));
      return workloadEvent({ workload: at % workloads, behaviour, round, workloads });
    });
  }
}

const entitiesOf = (workloads: number) =>
  Array.from({ length: workloads }, (_, workload) => workloadEntities(workload))
    .flat()
    .map(value => ({ key: entityKey(value), value, timestampMs: 0 }));

function atOnce({ events, workloads }: { readonly events: number; readonly workloads: number }) {
  const learning = new LearnAtOnce({ holdLimit: 10_000, hosts: true });
  for (const entity of entitiesOf(workloads)) learning.entity(entity);
  const [learn, plan] = [new ProcessorTime(), new ProcessorTime()];
  let offset = 0;
  for (const some of chunks(events, workloads))
    learn.during(() => {
      for (const event of some)
        learning.take(event, { topic: 'default.events.file.v1', partition: 0, offset: offset++ });
    });
  let rules = 0;
  plan.during(() => {
    for (const profiles of learning.workloads())
      rules += firstPolicy(profiles, discoveryDefaults)?.rules.length ?? 0;
  });
  if (learning.account.learned !== events) throw new Error('not all was learned');
  const [learnPerSecond, planSeconds] = [learn.perSecond(events), plan.seconds];
  const perSecond = Math.round(events / (learn.seconds + plan.seconds));
  return { events, workloads, perSecond, learnPerSecond, planSeconds, rules };
}

function throughTopologies({ events, workloads }: { readonly events: number; readonly workloads: number }) {
  const serdes = localSerdes();
  const time = new ProcessorTime();
  const enrich = testDriver(enrichTopology({ tenant, serdes }));
  enrich.pipe(topicName(tenant, 'entities.v1'), entitiesOf(workloads));
  for (const some of chunks(events, workloads)) {
    for (const value of some)
      enrich.append(topicName(tenant, topicOf(value)), { key: eventKey(value), value });
    time.during(() => enrich.run());
  }
  const policies = time.during(() => {
    for (let i = 0; i < 2; i++) enrich.advance(30_000);
    const discovery = testDriver(discoveryTopology({ tenant, serdes }));
    const profiles = enrich.read<string, never>(topicName(tenant, 'behaviours.v1'));
    const latest = new Map(profiles.map(({ key, value }) => [key, value]));
    discovery.pipe(
      topicName(tenant, 'behaviours.v1'),
      [...latest].map(([key, value]) => ({ key, value })),
    );
    discovery.advance(30_000);
    return discovery.read<string, Policy>(topicName(tenant, 'policies.v1'));
  });
  if (policies.length !== workloads) throw new Error('not every workload has a policy');
  return { events, workloads, perSecond: time.perSecond(events) };
}

function topicOf(event: WorkloadEvent) {
  if ('file' in event) return 'events.file.v1';
  return 'network' in event ? 'events.network.v1' : 'events.process.v1';
}

/** Reports a second, from reports of connections and requests to the policies of all workloads. */
function peers() {
  const seed = 1;
  const chosen = applications(['boutique', 'bookinfo', 'sock-shop']);
  const cluster = new Cluster(chosen, { seed, startUs: beginningUs, days: 3 });
  const traffic = new Traffic(chosen, cluster, { seed, perDay: 30_000 });
  const source = new Reports(seed);
  const reports = [0, 1].flatMap(day => [...source.of(traffic.day(day))]);
  const changes = cluster.changes();
  const systems: System[] = [
    new Ours(({ namespace, name }) => cluster.serviceAddress(`${namespace}/${name}`)),
    new DiscoveryEngine(cluster.pods, { aggregation: true }),
    new InspektorGadget(cluster.pods),
    new Kubescape(cluster.pods),
  ];
  const rates = systems.map(system => {
    const time = new ProcessorTime();
    time.during(() => {
      let changed = 0;
      for (const report of reports) {
        for (; (changes[changed]?.observedAt ?? Number.POSITIVE_INFINITY) < report.arrivesUs; changed++)
          system.change(changes[changed]!);
        system.take(report);
      }
      system.written();
    });
    return [system.name, time.perSecond(reports.length)] as const;
  });
  return { reports: reports.length, ...Object.fromEntries(rates) };
}

const warm = atOnce({ events: 100_000, workloads: 20 });
const result = {
  ...{ bench: 'discovery', behavioursAWorkload: behaviours },
  byEvents: [100_000, 400_000, 1_600_000].map(events => atOnce({ events, workloads: 20 })),
  byWorkloads: [10, 100, 1000].map(workloads => atOnce({ events: 1_600_000, workloads })),
  topologies: throughTopologies({ events: 100_000, workloads: 20 }),
  peers: peers(),
};
process.stdout.write(`warm-up made ${warm.rules} rules\n${JSON.stringify(result)}\n`);
