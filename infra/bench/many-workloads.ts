/**
 * Events of any number of workloads: each of three replicas that show the same behaviours over and over. Four fifths are files,
 * a tenth executables, a tenth connections to twenty other workloads. Numbers make them, no clock and no chance.
 */

import { type FileEvent, type NetworkEvent, type ProcessEvent, withDefaults } from '#schemas';

const replicas = 3;
const nodes = 100;
const peers = 20;
/** 2026-01-01T00:00:00Z. */
const startUs = 1_767_225_600_000_000;

export type WorkloadEvent = ProcessEvent | FileEvent | NetworkEvent;

export interface Occurrence {
  readonly workload: number;
  readonly behaviour: number;
  /** Which time it is: tells event, replica and moment. */
  readonly round: number;
  /** How many workloads there are to talk to. */
  readonly workloads: number;
}

export function workloadEvent({ workload, behaviour, round, workloads }: Occurrence): WorkloadEvent {
  const replica = round % replicas;
  const node = (workload + replica) % nodes;
  const name = `service-${workload}`;
  const head = {
    origin: {
      cluster: 'east',
      node: `node-${node}`,
      agent: 'enforcer',
      bootId: `6a5e8c1c-7f6b-4a5e-9c1c-00000000${String(node).padStart(4, '0')}`,
      sequence: (round * 1000 + behaviour) * workloads + workload,
    },
    time: startUs + round * 60_000_000 + behaviour * 1000 + workload,
    container: withDefaults('Container', {
      ...{ id: `${workload}-${replica}`.padStart(64, '0'), name: 'main', image: `${name}:1` },
      ...{ namespace: 'shop', workloadKind: 'Deployment', workload: name },
      ...{ pod: `${name}-6d4b75cb6d-x7z2${replica}`, podUid: `uid-${workload}-${replica}` },
    }),
    process: withDefaults('Process', { pid: 100, executable: `/usr/local/bin/${name}` }),
    verdict: 'ALLOW' as const,
  };
  if (behaviour % 10 === 0) {
    const peer = (workload + 1 + (behaviour % peers)) % workloads;
    const remotePort = 8000 + Math.floor(behaviour / 10);
    const access = { operation: 'CONNECT', direction: 'EGRESS', transport: 'TCP' } as const;
    const network = withDefaults('NetworkAccess', { ...access, remoteAddress: addressOf(peer), remotePort });
    return { ...head, network };
  }
  const place = `${letters(behaviour)}/${letters(behaviour * 7 + workload)}`;
  if (behaviour % 10 === 1)
    return { ...head, execution: withDefaults('Execution', { path: `/usr/bin/${place}` }) };
  const write = behaviour % 10 > 6;
  const file = { operation: 'OPEN', path: `/srv/${name}/${place}.dat`, read: !write, write } as const;
  return { ...head, file: withDefaults('FileAccess', file) };
}

/** Of the one pod that has an address. */
export function addressOf(workload: number): string {
  return `10.${64 + (workload >> 16)}.${(workload >> 8) & 255}.${workload & 255}`;
}

/** The Deployment and one of its pods, as they are told in entities.v1. */
export function workloadEntities(workload: number) {
  const name = `service-${workload}`;
  const told = { cluster: 'east', namespace: 'shop', op: 'ADDED', observedAt: startUs } as const;
  return [
    withDefaults('EntityChange', {
      ...told,
      ...{ kind: 'Deployment', name, uid: `uid-${workload}` },
      workload: withDefaults('WorkloadProjection', { selector: { app: name } }),
    }),
    withDefaults('EntityChange', {
      ...told,
      ...{ kind: 'Pod', name: `${name}-0`, uid: `uid-${workload}-address` },
      pod: withDefaults('PodProjection', {
        ...{ labels: { app: name }, addresses: [addressOf(workload)], phase: 'Running' },
        ...{ ownerKind: 'Deployment', owner: name, startedAt: startUs - 60_000_000 },
      }),
    }),
  ];
}

/** Names without digits, which a policy would generalise. */
function letters(number: number): string {
  let [text, rest] = ['', number % 17_576];
  for (let i = 0; i < 3; i++) {
    text += String.fromCharCode(97 + (rest % 26));
    rest = Math.floor(rest / 26);
  }
  return text;
}
