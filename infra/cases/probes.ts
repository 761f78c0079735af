/** Accesses that did not happen, near to those that did: another peer, port, transport, request, path or source. */

import { withDefaults } from '#schemas';
import type { Access } from '../../pipelines/discovery/index.ts';
import type { PodLabels } from './seen.ts';

/** Every probe that is none of what was seen. `pods`: all of the cluster. */
export function probesOf(seen: readonly Access[], pods: readonly PodLabels[]): Access[] {
  const known = new Set(seen.map(keyOf));
  const traffic = seen.filter(({ operation }) => operation === 'CONNECT' || operation === 'ACCEPT');
  const paths = seen.filter(access => !traffic.includes(access));
  const probes = [...trafficProbes(traffic, pods), ...paths.flatMap(pathProbes)];
  const apart = new Map(probes.map(probe => [keyOf(probe), probe]));
  return [...apart].filter(([key]) => !known.has(key)).map(([, probe]) => probe);
}

/** Who, what, with whom; not by which names an address is known. */
export function keyOf({ actor, operation, object, source, transport, port, peer, http }: Access): string {
  const who = 'labels' in actor ? [actor.namespace, Object.entries(actor.labels).sort()] : actor;
  const whom = peer && [peer.type, peer.namespace, Object.entries(peer.selector).sort(), peer.value];
  return JSON.stringify([
    who,
    operation,
    object,
    source ?? '',
    transport,
    port,
    whom,
    http?.method,
    http?.path,
  ]);
}

const strangers = [
  ...['host', 'remote-node', 'kube-apiserver', 'unmanaged'].map(value =>
    withDefaults('Peer', { type: 'ENTITY', value }),
  ),
  ...['203.0.113.9/32', '10.200.0.9/32'].map(value => withDefaults('Peer', { type: 'ADDRESS', value })),
  withDefaults('Peer', { type: 'FQDN', value: 'elsewhere.example' }),
];
const otherPorts = [22, 8000, 8080, 9999];

function* trafficProbes(seen: readonly Access[], pods: readonly PodLabels[]): Generator<Access> {
  const actors = new Map(seen.map(({ actor }) => [JSON.stringify(actor), actor]));
  const met = seen.flatMap(({ peer }) => peer ?? []);
  const workloads = pods.map(({ namespace, labels }) =>
    withDefaults('Peer', { type: 'WORKLOAD', namespace, workloadKind: 'Pods', selector: { ...labels } }),
  );
  const peers = new Map([...met, ...workloads, ...strangers].map(peer => [JSON.stringify(peer), peer]));
  const ports = new Set([...seen.map(({ port }) => port).filter(port => port > 0), ...otherPorts]);
  for (const actor of actors.values())
    for (const operation of ['CONNECT', 'ACCEPT'] as const)
      for (const peer of peers.values())
        for (const port of ports)
          for (const transport of ['TCP', 'UDP'] as const)
            yield* requests({ actor, operation, peer, port, transport, object: '', http: null }, seen);
}

/** Of a connection that carries requests only those are probed: it has to be let through for them. */
function* requests(probe: Access, seen: readonly Access[]): Generator<Access> {
  const plain = keyOf(probe);
  const asked = seen.filter(each => each.http && keyOf({ ...each, http: null }) === plain);
  if (asked.length === 0) {
    yield probe;
    return;
  }
  const paths = new Set([...asked.map(({ http }) => http!.path), '/', '/elsewhere']);
  for (const method of ['GET', 'POST', 'DELETE'])
    for (const path of paths) yield { ...probe, http: { method, path, host: '' } };
}

const secrets = ['/etc/shadow', '/root/.ssh/id_rsa', '/usr/bin/nc'];

function pathProbes(access: Access): Access[] {
  const { object } = access;
  const directory = object.slice(0, object.lastIndexOf('/') + 1);
  const others = [`${object}x`, `${directory}elsewhere`, `${directory}deep/elsewhere`, ...secrets];
  return [
    ...others.map(each => ({ ...access, object: each })),
    ...(access.operation === 'FILE_READ' ? [{ ...access, operation: 'FILE_WRITE' as const }] : []),
    otherSource(access),
  ];
}

export const otherSourcePath = '/usr/bin/elsewhere';

/** The same by another executable. */
export function otherSource(access: Access): Access {
  return { ...access, source: otherSourcePath };
}
