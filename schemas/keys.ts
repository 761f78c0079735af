/** The text of record keys, in the forms the topic catalogue names. Names of Kubernetes objects hold no slash. */

import type {
  BehaviourProfile,
  Container,
  EntityChange,
  FlowAggregate,
  Origin,
  Policy,
  PolicyStatus,
} from './generated/types.ts';

/**
 * Key of events and alerts. All that one workload does shares a partition; what belongs to no known workload goes by
 * pod, then container, and what the host does by node.
 */
export function eventKey({
  origin,
  container,
}: {
  readonly origin: Origin;
  readonly container: Container;
}): string {
  const owner = container.workload || container.pod || container.id || origin.node;
  return `${origin.cluster}/${container.namespace}/${owner}`;
}

export function entityKey(entity: Pick<EntityChange, 'cluster' | 'kind' | 'namespace' | 'name'>): string {
  return `${entity.cluster}/${entity.kind}/${entity.namespace}/${entity.name}`;
}

export function behaviourKey(
  profile: Pick<BehaviourProfile, 'cluster' | 'namespace' | 'workloadKind' | 'workload' | 'container'>,
): string {
  return `${policyIdOf(profile)}/${profile.container}`;
}

/** The policy id of a workload, which is the key of its policies. */
export function policyIdOf(
  workload: Pick<Policy['target'], 'cluster' | 'namespace' | 'workloadKind' | 'workload'>,
): string {
  return `${workload.cluster}/${workload.namespace}/${workload.workloadKind}/${workload.workload}`;
}

export function policyStatusKey(status: Pick<PolicyStatus, 'policyId' | 'node'>): string {
  return `${status.policyId}/${status.node}`;
}

/** Key of flow aggregates: their source, as events are keyed where that is a workload. */
export function flowKey({ cluster, source }: Pick<FlowAggregate, 'cluster' | 'source'>): string {
  return `${cluster}/${source.namespace}/${source.workload || source.value}`;
}

export function deadLetterKey(source: { readonly topic: string; readonly partition: number }): string {
  return `${source.topic}/${source.partition}`;
}
