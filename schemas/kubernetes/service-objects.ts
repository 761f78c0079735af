/** Services and their endpoints among Kubernetes objects → projections of entities. */

import type { Transport } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { type Fields, fieldsOf, labelsOf, listOf, textOf, texts, textsOf } from './object-fields.ts';
import type { PodTemplate } from './pod-template.ts';

type Labels = Readonly<Record<string, string>>;

/** `pods`: of its namespace. */
export function serviceProjection(object: Fields, pods: readonly PodTemplate[]) {
  const spec = fieldsOf(object.spec);
  const balancers = listOf(fieldsOf(fieldsOf(object.status).loadBalancer).ingress).map(({ ip }) =>
    textOf(ip),
  );
  const addresses = [
    textOf(spec.clusterIP),
    ...texts(spec.clusterIPs),
    ...texts(spec.externalIPs),
    ...balancers,
  ];
  const selector = textsOf(spec.selector);
  const selected = pods.filter(pod => isSelected(selector, pod));
  return {
    service: withDefaults('ServiceProjection', {
      labels: labelsOf(object),
      type: textOf(spec.type) || 'ClusterIP',
      addresses: [...new Set(addresses.filter(address => address !== '' && address !== 'None'))],
      selector,
      ports: listOf(spec.ports).map(({ name, protocol, port, targetPort, nodePort }) => ({
        name: textOf(name),
        transport: transportOf(protocol),
        port: Number(port),
        targetPort: numbered(textOf(targetPort) || textOf(port), selected),
        nodePort: Number(nodePort ?? 0),
      })),
    }),
  };
}

function isSelected(selector: Labels, { labels }: PodTemplate): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** A port that is told by its name, as the number all pods behind the Service give it; else as it was told. */
function numbered(targetPort: string, pods: readonly PodTemplate[]): string {
  const numbers = new Set(pods.flatMap(({ ports }) => ports[targetPort] ?? []));
  return numbers.size === 1 ? String([...numbers][0]) : targetPort;
}

function transportOf(protocol: unknown): Transport {
  return protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP';
}

export function endpointsProjection(object: Fields) {
  const subsets = listOf(object.subsets);
  const addresses = subsets.flatMap(({ addresses }) => listOf(addresses).map(({ ip }) => textOf(ip)));
  const service = textOf(fieldsOf(object.metadata).name);
  const ports = subsets.flatMap(subset => listOf(subset.ports));
  return { endpointSlice: { service, addresses: [...new Set(addresses)], ...endpointPorts(ports) } };
}

export function endpointSliceProjection(object: Fields) {
  const service = labelsOf(object)['kubernetes.io/service-name'] ?? '';
  const addresses = listOf(object.endpoints).flatMap(({ addresses }) => texts(addresses));
  return { endpointSlice: { service, addresses, ...endpointPorts(listOf(object.ports)) } };
}

function endpointPorts(ports: readonly Fields[]) {
  const told = ports.filter(({ port }) => port !== undefined && port !== null);
  return {
    ports: [...new Set(told.map(({ port }) => Number(port)))],
    portsByName: Object.fromEntries(told.map(({ name, port }) => [textOf(name), Number(port)])),
  };
}
