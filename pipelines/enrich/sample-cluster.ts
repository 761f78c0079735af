/** A small cluster and what happens in it, for tests and benchmarks: web (two replicas, two containers) and its database. */

import {
  type Container,
  type EntityChange,
  entityKey,
  eventKey,
  type FileEvent,
  type NetworkAccessInput,
  type NetworkEvent,
  type Origin,
  type ProcessEvent,
  type SyscallEvent,
  type Verdict,
  withDefaults,
} from '#schemas';

export const cluster = 'east';
/** 2026-01-01T00:00:00Z. */
export const startUs = 1_767_225_600_000_000;

export interface SamplePod {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  readonly ownerKind: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly { readonly name: string; readonly id: string }[];
}

function pod(owner: string, ownerKind: string, replica: number, containers: readonly string[]): SamplePod {
  const name = `${owner}-${replica}`;
  const octet = owner === 'web' ? 10 : 20;
  return {
    name,
    uid: `uid-${name}`,
    address: `10.1.0.${octet + replica}`,
    ownerKind,
    owner,
    labels: { app: owner, 'pod-template-hash': `hash${replica}` },
    containers: containers.map(each => ({ name: each, id: `id-${name}-${each}`.padEnd(64, '0') })),
  };
}

export const pods = {
  web0: pod('web', 'Deployment', 0, ['nginx', 'sidecar']),
  web1: pod('web', 'Deployment', 1, ['nginx', 'sidecar']),
  db0: pod('db', 'StatefulSet', 0, ['redis']),
} as const;

export function podChange(
  { name, uid, address, ownerKind, owner, labels, containers }: SamplePod,
  given: Partial<Pick<EntityChange, 'op' | 'observedAt'>> & {
    readonly startedAt?: number;
    readonly phase?: string;
  } = {},
): EntityChange {
  const { op = 'ADDED', observedAt = startUs, startedAt = startUs - 60_000_000, phase = 'Running' } = given;
  return withDefaults('EntityChange', {
    cluster,
    kind: 'Pod',
    namespace: 'shop',
    name,
    uid,
    op,
    observedAt,
    pod: withDefaults('PodProjection', {
      labels: { ...labels },
      addresses: [address],
      phase,
      ownerKind,
      owner,
      startedAt,
      containers: containers.map(({ name, id }) =>
        withDefaults('PodContainer', { name, id, image: `${name}:1` }),
      ),
    }),
  });
}

export function workloadChange(kind: string, name: string, selector: Record<string, string>): EntityChange {
  return withDefaults('EntityChange', {
    ...{ cluster, kind, namespace: 'shop', name, uid: `uid-${kind}-${name}` },
    op: 'ADDED',
    observedAt: startUs,
    workload: withDefaults('WorkloadProjection', { selector }),
  });
}

export function serviceChange(
  name: string,
  {
    address,
    port,
    targetPort,
    selector,
  }: { address: string; port: number; targetPort: string; selector: Record<string, string> },
): EntityChange {
  return withDefaults('EntityChange', {
    ...{ cluster, kind: 'Service', namespace: 'shop', name, uid: `uid-svc-${name}` },
    op: 'ADDED',
    cause: 'list',
    observedAt: startUs,
    service: withDefaults('ServiceProjection', {
      addresses: [address],
      selector,
      ports: [withDefaults('ServicePort', { transport: 'TCP', port, targetPort })],
    }),
  });
}

/** Everything the cluster consists of. */
export function entities(): EntityChange[] {
  return [
    workloadChange('Deployment', 'web', { app: 'web' }),
    workloadChange('StatefulSet', 'db', { app: 'db' }),
    ...Object.values(pods).map(each => podChange(each)),
    serviceChange('db', { address: '10.96.0.7', port: 6380, targetPort: '6379', selector: { app: 'db' } }),
  ];
}

export interface Acting {
  readonly pod: SamplePod;
  /** Absent: the first. */
  readonly container?: string;
  /** True: the agent knew the container's id and nothing else. */
  readonly bare?: boolean;
  readonly verdict?: Verdict;
}

/** Makes events with sequence numbers that count up, a second apart. */
export function eventMaker(bootId = 'boot-1') {
  let sequence = 0;
  const head = ({ pod: acting, container: name, bare = false, verdict = 'ALLOW' }: Acting) => {
    sequence += 1;
    const found = acting.containers.find(each => each.name === (name ?? acting.containers[0]!.name))!;
    const origin: Origin = { cluster, node: 'node-1', agent: 'enforcer', bootId, sequence };
    return {
      origin,
      time: startUs + sequence * 1_000_000,
      container: containerOf(acting, found, bare),
      process: withDefaults('Process', { pid: 100, executable: '/usr/sbin/main' }),
      verdict,
    };
  };
  return {
    exec: (acting: Acting, path: string): ProcessEvent => ({
      ...head(acting),
      execution: withDefaults('Execution', { path }),
    }),
    open: (acting: Acting, path: string, mode: 'r' | 'w' | 'rw' = 'r'): FileEvent => ({
      ...head(acting),
      file: withDefaults('FileAccess', {
        operation: 'OPEN',
        path,
        read: mode.includes('r'),
        write: mode.includes('w'),
      }),
    }),
    network: (acting: Acting, network: Partial<NetworkAccessInput>): NetworkEvent => ({
      ...head(acting),
      network: withDefaults('NetworkAccess', {
        operation: 'OTHER',
        direction: 'NONE',
        transport: 'TCP',
        ...network,
      }),
    }),
    syscall: (acting: Acting, syscall: string): SyscallEvent => ({
      ...head(acting),
      syscall: withDefaults('SyscallUse', { syscall }),
    }),
  };
}

function containerOf(
  acting: SamplePod,
  { id, name }: { id: string; name: string },
  bare: boolean,
): Container {
  if (bare) return withDefaults('Container', { id });
  const { uid, ownerKind, owner } = acting;
  return withDefaults('Container', {
    ...{ id, name, image: `${name}:1`, namespace: 'shop', pod: acting.name, podUid: uid },
    ...{ workloadKind: ownerKind, workload: owner },
  });
}

export type SampleEvent = ProcessEvent | FileEvent | NetworkEvent | SyscallEvent;

const sampleTopics = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
] as const;

/** The topic of an event, without tenant. */
export function topicOf(event: SampleEvent): (typeof sampleTopics)[number] {
  if ('file' in event) return 'events.file.v1';
  if ('network' in event) return 'events.network.v1';
  return 'execution' in event ? 'events.process.v1' : 'events.syscall.v1';
}

export const keyOf = { entity: entityKey, event: eventKey };

/** What web and its database do all day. */
export function ordinaryEvents(bootId?: string): SampleEvent[] {
  const make = eventMaker(bootId);
  const [web, sidecar, db] = [
    { pod: pods.web0 },
    { pod: pods.web1, container: 'sidecar' },
    { pod: pods.db0 },
  ];
  return [
    make.exec(web, '/usr/sbin/nginx'),
    make.open(web, '/etc/nginx/nginx.conf'),
    make.open(web, '/etc/nginx/'),
    make.open(web, '/var/log/nginx/access.log', 'w'),
    make.open(web, '/var/lib/nginx/proxy/1/00/0000000001', 'rw'),
    make.open(web, '/proc/23/status'),
    make.network(web, { operation: 'SOCKET' }),
    make.network(web, { operation: 'BIND', localPort: 80, localAddress: '0.0.0.0' }),
    make.network(web, {
      operation: 'ACCEPT',
      direction: 'INGRESS',
      localPort: 80,
      remoteAddress: '192.0.2.7',
      remotePort: 40_001,
    }),
    make.network(web, {
      operation: 'CONNECT',
      direction: 'EGRESS',
      remoteAddress: '10.96.0.7',
      remotePort: 6380,
      localPort: 51_000,
    }),
    make.network(
      { pod: pods.web1 },
      { operation: 'CONNECT', remoteAddress: '10.1.0.20', remotePort: 6379, localPort: 51_001 },
    ),
    make.network(web, { operation: 'CONNECT', remoteAddress: '127.0.0.1', remotePort: 9000 }),
    make.exec(sidecar, '/bin/agent'),
    make.open(sidecar, '/run/secrets/kubernetes.io/serviceaccount/..2026_01_01_00_00_00.123/token'),
    make.exec(db, '/usr/bin/redis-server'),
    make.open(db, '/data/temp-17.rdb', 'w'),
    make.open(db, '/data/dump.rdb', 'w'),
    make.network(db, {
      operation: 'ACCEPT',
      localPort: 6379,
      remoteAddress: '10.1.0.10',
      remotePort: 51_000,
    }),
  ];
}
