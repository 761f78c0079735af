/**
 * How fast flows a minute are counted: network events a second of processor time.
 *
 * `topology`: serialised records in memory to records of flows-1m.v1, through the pipeline. `counting`: the same events as objects
 * with whom they were between looked up already, in a plain map: what the rest is for. The last line is one JSON object.
 */

import process from 'node:process';
import { entityKey, eventKey, localSerdes, type NetworkEvent } from '#schemas';
import { testDriver } from '#streams';
import { aggregateTopology } from '../../pipelines/aggregate/index.ts';
import { workloadEntities, workloadEvent } from './many-workloads.ts';
import { ProcessorTime } from './processor-time.ts';

const [events, workloads, behaviours] = [200_000, 100, 100];
const chunk = 2_000;
const driver = testDriver(aggregateTopology({ tenant: 'bench', serdes: localSerdes() }));
for (let workload = 0; workload < workloads; workload++)
  for (const value of workloadEntities(workload))
    driver.append('bench.entities.v1', { key: entityKey(value), value });

/** 2026-01-01T00:00:00Z. */
const startUs = 1_767_225_600_000_000;
const betweenUs = 3_000;

/** Only connections, in the order of time. */
function* connections(): Generator<NetworkEvent> {
  let made = 0;
  for (let at = 0; made < events; at++) {
    const behaviour = Math.floor(at / workloads) % behaviours;
    const round = Math.floor(at / (workloads * behaviours));
    const event = workloadEvent({ workload: at % workloads, behaviour, round, workloads });
    if (!('network' in event)) continue;
    yield { ...event, time: startUs + made * betweenUs };
    made += 1;
  }
}

const [topology, counting] = [new ProcessorTime(), new ProcessorTime()];
const counted = new Map<string, number>();
let waiting: NetworkEvent[] = [];
for (const event of connections()) {
  waiting.push(event);
  if (waiting.length < chunk) continue;
  for (const value of waiting)
    driver.append('bench.events.network.v1', { key: eventKey(value), value, timestampMs: 0 });
  topology.during(() => driver.run());
  counting.during(() => {
    for (const { container, network, verdict, time } of waiting) {
      const minute = Math.floor(time / 60_000_000);
      const key = `${minute} ${container.workload} ${network.remoteAddress} ${network.remotePort} ${verdict}`;
      counted.set(key, (counted.get(key) ?? 0) + 1);
    }
  });
  waiting = [];
}
const flows = driver.read('bench.flows-1m.v1').length;
process.stdout.write(
  `${events} events of ${workloads} workloads: ${topology.perSecond(events)} events/s through the topology, ${flows} records; ` +
    `${counting.perSecond(events)} in a plain map\n`,
);
process.stdout.write(
  `${JSON.stringify({ bench: 'flows', events, workloads, topologyPerSecond: topology.perSecond(events), countingPerSecond: counting.perSecond(events), records: flows })}\n`,
);
