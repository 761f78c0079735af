/**
 * How fast recordings become candidate policies, reading included: records a second of processor time, for each kind of file
 * that `sluice discover` reads, and how much of that is parsing JSON. The last line is one JSON object.
 * Usage: node infra/bench/discovery-inputs.bench.ts [--records N]
 */

import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { entityKey, eventKey, wrapCaptured, writeCapture } from '#schemas';
import { discoverInputs } from '../../cli/discover-inputs.ts';
import { emitterNames } from '../../pipelines/discovery/index.ts';
import { workloadEntities, workloadEvent } from './many-workloads.ts';
import { ProcessorTime } from './processor-time.ts';

const { values } = parseArgs({ options: { records: { type: 'string', default: '100000' } } });
const records = Number(values.records);
const [workloads, behaviours] = [20, 100];

const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));

async function lines(name: string, line: (index: number) => object): Promise<string> {
  const path = join(folder, name);
  const file = createWriteStream(path);
  for (let from = 0; from < records; from += 1000) {
    const some = Array.from({ length: 1000 }, (_, i) => JSON.stringify(line(from + i)));
    file.write(`${some.join('\n')}\n`);
  }
  file.end();
  await finished(file);
  return path;
}

const time = (index: number) => new Date(1_767_225_600_000 + index * 10).toISOString();

function hubbleEnd(workload: number) {
  const name = `service-${workload}`;
  return {
    ...{ ID: workload, identity: 10_000 + workload, namespace: 'shop', pod_name: `${name}-6d4b75cb6d-x7z2p` },
    labels: [
      ...[`k8s:app=${name}`, 'k8s:io.cilium.k8s.policy.cluster=default', 'k8s:pod-template-hash=6d4b75cb6d'],
      ...['k8s:io.cilium.k8s.policy.serviceaccount=default', 'k8s:io.kubernetes.pod.namespace=shop'],
    ],
    workloads: [{ name, kind: 'Deployment' }],
  };
}

function hubbleLine(index: number) {
  const [from, to] = [index % workloads, (index * 7 + 1) % workloads];
  const flags = { SYN: true };
  const port = { source_port: 32_768 + (index % 28_000), destination_port: 8000 + (index % 11) };
  const flow = {
    ...{ time: time(index), verdict: 'FORWARDED', Type: 'L3_L4', node_name: 'node-1', is_reply: false },
    ethernet: { source: '0a:58:0a:f4:02:ed', destination: '0a:58:0a:f4:02:ee' },
    IP: { source: `10.1.0.${from}`, destination: `10.1.0.${to}`, ipVersion: 'IPv4' },
    l4: { TCP: { ...port, flags } },
    ...{ source: hubbleEnd(from), destination: hubbleEnd(to), event_type: { type: 4, sub_type: 3 } },
    ...{ traffic_direction: index % 2 === 0 ? 'EGRESS' : 'INGRESS', trace_observation_point: 'TO_OVERLAY' },
    Summary: 'TCP Flags: SYN',
  };
  return { flow, node_name: 'node-1', time: flow.time };
}

function kubeArmorLine(index: number) {
  const name = `service-${index % workloads}`;
  const which = Math.floor(index / workloads) % behaviours;
  return {
    ...{ ClusterName: 'default', HostName: 'node-1', NamespaceName: 'shop', UpdatedTime: time(index) },
    ...{
      PodName: `${name}-6d4b75cb6d-x7z2p`,
      Labels: `app=${name}`,
      ContainerName: 'main',
      Timestamp: 1_767_225_600,
    },
    ...{ ContainerID: `${index % workloads}`.padStart(64, '0'), ContainerImage: `${name}:1` },
    Owner: { Ref: 'Deployment', Name: name, Namespace: 'shop' },
    ...{ HostPID: 1000 + which, HostPPID: 1, PID: 12, PPID: 1, UID: 0, Type: 'ContainerLog' },
    ...{ ParentProcessName: '/bin/sh', ProcessName: `/usr/bin/${name}`, Source: `/usr/bin/${name}` },
    ...{
      Operation: 'File',
      Resource: `/srv/${name}/page.${String.fromCharCode(97 + (which % 26))}/index.html`,
    },
    ...{ Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY', Result: 'Passed' },
  };
}

function capture(): string {
  const path = join(folder, 'capture.avro');
  const file = writeCapture(path);
  const at = { partition: 0, offset: 0, timestamp: 1 };
  for (let workload = 0; workload < workloads; workload++)
    for (const entity of workloadEntities(workload))
      file.append({
        ...{ ...at, topic: 'entities.v1', key: entityKey(entity) },
        value: wrapCaptured('entities.v1', entity),
      });
  for (let index = 0; index < records; index++) {
    const behaviour = Math.floor(index / workloads) % behaviours;
    const round = Math.floor(index / (workloads * behaviours));
    const event = workloadEvent({ workload: index % workloads, behaviour, round, workloads });
    const isFile = 'file' in event;
    const topic = isFile ? 'events.file.v1' : 'network' in event ? 'events.network.v1' : 'events.process.v1';
    const value = wrapCaptured(topic, event as never);
    file.append({ topic, partition: 0, offset: index, timestamp: 1, key: eventKey(event), value });
  }
  file.close();
  return path;
}

function parseOnly(path: string): number {
  const all = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const parsing = new ProcessorTime();
  parsing.during(() => {
    for (const line of all) JSON.parse(line);
  });
  return parsing.perSecond(all.length);
}

async function measured(path: string) {
  const reading = new ProcessorTime();
  const { inputs, learned, policies } = await reading.duringAsync(() =>
    discoverInputs({ from: [path], emit: emitterNames }),
  );
  const { format, used } = inputs[0]!;
  if (used < records || learned < records / 2) throw new Error(`${path}: ${used} used, ${learned} learned`);
  return { format, perSecond: reading.perSecond(records), policies: policies.length };
}

try {
  const [hubble, kubeArmor] = [
    await lines('hubble.json', hubbleLine),
    await lines('kubearmor.json', kubeArmorLine),
  ];
  const capturePath = capture();
  await measured(hubble);
  const result = {
    ...{ bench: 'discovery-inputs', records },
    hubble: { ...(await measured(hubble)), jsonParsePerSecond: parseOnly(hubble) },
    kubeArmor: { ...(await measured(kubeArmor)), jsonParsePerSecond: parseOnly(kubeArmor) },
    capture: await measured(capturePath),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
