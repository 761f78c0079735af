/** The pods as records of entities.v1. */

import { type EntityChange, withDefaults } from '#schemas';
import { gateway, namespace, pods, uuid } from './pods.ts';

export interface ClusterView {
  readonly cluster: string;
  readonly node: string;
  /** Epoch microseconds from which the facts hold. */
  readonly observedAtUs: number;
}

/** The records of entities.v1 an informer would write for the namespace, the node, the workloads and the pods. */
export function entityChanges({ cluster, node, observedAtUs }: ClusterView): readonly EntityChange[] {
  const added = { cluster, op: 'ADDED', observedAt: observedAtUs, cause: 'list' } as const;
  const nameLabel = { 'kubernetes.io/metadata.name': namespace };
  const fixed = [
    withDefaults('EntityChange', {
      ...added,
      kind: 'Namespace',
      name: namespace,
      uid: uuid(`namespace/${namespace}`),
      namespaceObject: { labels: nameLabel, annotations: {} },
    }),
    withDefaults('EntityChange', {
      ...added,
      kind: 'Node',
      name: node,
      uid: uuid(`node/${node}`),
      node: { labels: { 'kubernetes.io/hostname': node }, addresses: [gateway], podRanges: [] },
    }),
  ];
  const perPod = Object.values(pods).flatMap(({ workload, ...pod }) => [
    withDefaults('EntityChange', {
      ...added,
      kind: workload.kind,
      namespace,
      name: workload.name,
      uid: workload.uid,
      workload: {
        labels: workload.selector,
        selector: workload.selector,
        ownerKind: '',
        owner: '',
        replicas: 1,
      },
    }),
    withDefaults('EntityChange', {
      ...added,
      kind: 'Pod',
      namespace,
      name: pod.name,
      uid: pod.uid,
      pod: {
        labels: pod.labels,
        annotations: {},
        hostNetwork: false,
        hostPid: false,
        node,
        addresses: [pod.ip],
        phase: 'Running',
        serviceAccount: 'default',
        ownerKind: workload.kind,
        owner: workload.name,
        startedAt: observedAtUs,
        containers: [
          { name: pod.app, id: pod.containerId, image: pod.image, startedAt: observedAtUs, finishedAt: null },
        ],
      },
    }),
  ]);
  return [...fixed, ...perPod];
}
