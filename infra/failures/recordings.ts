/** For tests: records as Hubble, KubeArmor and the Kubernetes API write them, of a small shop. */

export type Labels = Readonly<Record<string, string>>;

export const startUs = 1_767_225_600_000_000;
export const time = (second: number) => new Date(startUs / 1000 + second * 1000).toISOString();

export const web: Labels = { app: 'web' };
export const db: Labels = { app: 'db' };

export interface EndGiven {
  readonly namespace?: string;
  readonly pod?: string;
}

/** A pod at one end of a flow. */
export function end(labels: Labels, { namespace = 'shop', pod = `${labels.app}-0` }: EndGiven = {}) {
  return {
    ...{ namespace, pod_name: pod },
    labels: Object.entries(labels).map(([key, value]) => `k8s:${key}=${value}`),
  };
}

export const reserved = (name: string) => ({ identity: 2, labels: [`reserved:${name}`] });

export interface FlowGiven {
  readonly from?: object;
  readonly to: object;
  readonly port?: number;
  readonly transport?: 'TCP' | 'UDP' | 'SCTP';
  readonly at?: number;
  readonly address?: string;
  readonly more?: object;
}

/** From web unless it is told otherwise. */
export function flow({ from = end(web), to, port = 5432, transport = 'TCP', at = 0, ...given }: FlowGiven) {
  const { address = '10.1.0.2', more = {} } = given;
  return {
    flow: {
      ...{ time: time(at), verdict: 'FORWARDED' },
      IP: { source: '10.1.0.1', destination: address, ipVersion: address.includes(':') ? 'IPv6' : 'IPv4' },
      l4: { [transport]: { source_port: 40_000, destination_port: port } },
      ...{ source: from, destination: to, ...more },
    },
  };
}

export const request = (method: string, url: string) => ({
  l7: { type: 'REQUEST', http: { method, url, protocol: 'HTTP/1.1' } },
});

/** An answer that web got for a name, from a DNS server that is a pod unless it is told otherwise. */
export function answer(name: string, ips: readonly string[], at: number, server: object) {
  const more = {
    ...{ is_reply: true, source: server, destination: end(web) },
    IP: { source: '10.1.0.53', destination: '10.1.0.1', ipVersion: 'IPv4' },
    l4: { UDP: { source_port: 53, destination_port: 40_000 } },
    l7: { type: 'RESPONSE', dns: { query: `${name}.`, ips, ttl: 30, qtypes: ['A'] } },
  };
  return flow({ to: end(web), at, more });
}

/** A log of the container `main` of web. */
export function log(operation: 'Process' | 'File' | 'Network', resource: string, given: object = {}) {
  return {
    ...{ ClusterName: 'c', HostName: 'n1', NamespaceName: 'shop', PodName: 'web-0', Labels: 'app=web' },
    Owner: { Ref: 'Deployment', Name: 'web', Namespace: 'shop' },
    ...{ ContainerName: 'main', ContainerID: 'id-web', ContainerImage: 'web:1', Type: 'ContainerLog' },
    ...{ Source: '/bin/main', ProcessName: '/bin/main', ParentProcessName: '/bin/main' },
    ...{ Operation: operation, Resource: resource, Data: dataOf(operation), Result: 'Passed' },
    ...{ Timestamp: startUs / 1_000_000, UpdatedTime: time(0), ...given },
  };
}

const dataOf = (operation: string) =>
  operation === 'File' ? 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY' : 'syscall=SYS_EXECVE';

export interface PodGiven {
  readonly labels?: Labels;
  readonly owner?: readonly [kind: string, name: string];
  readonly spec?: object;
  readonly status?: object;
  readonly startSecond?: number;
}

/** A pod as the API prints it. */
export function podObject(name: string, podIP: string, given: PodGiven = {}) {
  const { labels = { app: name }, owner, spec = {}, status = {}, startSecond = -60 } = given;
  return {
    kind: 'Pod',
    metadata: {
      ...{ name, namespace: 'shop', uid: `uid-${name}`, labels },
      ...(owner && { ownerReferences: [{ kind: owner[0], name: owner[1], controller: true }] }),
    },
    spec: { containers: [{ name: 'main', image: 'i:1' }], ...spec },
    status: { phase: 'Running', startTime: time(startSecond), podIPs: [{ ip: podIP }], ...status },
  };
}

export function workloadObject(kind: string, name: string, selector: Labels, more: object = {}) {
  const spec = { selector: { matchLabels: selector }, template: { metadata: { labels: selector } }, ...more };
  return { kind, metadata: { name, namespace: 'shop' }, spec };
}

export function serviceObject(name: string, spec: object, metadata: object = {}) {
  return { kind: 'Service', metadata: { name, namespace: 'shop', ...metadata }, spec };
}
