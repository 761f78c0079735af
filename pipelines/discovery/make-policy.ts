/** The policy of a workload, from the profiles of its containers: a pure function (I2). */

import { documentOf, policyDigest } from '#policy';
import type { BehaviourProfile, Policy } from '#schemas';
import { emitKubeArmor } from './emit-kubearmor.ts';
import { emitKubernetes } from './emit-kubernetes.ts';
import { policyRules } from './emitted.ts';
import { compareText } from './order.ts';
import { workloadPolicy } from './policy-ir.ts';

export const emitters = { kubearmor: emitKubeArmor, kubernetes: emitKubernetes } as const;
export type EmitterName = keyof typeof emitters;
export const emitterNames = Object.freeze(Object.keys(emitters)) as readonly EmitterName[];

/** What a policy says, without its place among its versions. */
export type PolicyContent = Pick<Policy, 'target' | 'documents' | 'rules' | 'losses' | 'digest'>;

/** Undefined when nothing selects the workload's pods, or nothing was seen that a document could say. */
export function makePolicy(
  profiles: readonly BehaviourProfile[],
  emit: readonly EmitterName[],
): PolicyContent | undefined {
  const policy = workloadPolicy(profiles);
  const { cluster, namespace, workloadKind, workload, selector, losses } = policy;
  if (Object.keys(selector).length === 0) return undefined;
  const emitted = emitterNames.filter(name => emit.includes(name)).flatMap(name => emitters[name](policy));
  if (emitted.length === 0) return undefined;
  const target = { cluster, namespace, workloadKind, workload, selector: { ...selector } };
  const documents = emitted
    .map(({ object }) => documentOf(object))
    .sort((a, b) => compareText(`${a.kind}/${a.name}`, `${b.kind}/${b.name}`));
  return {
    target,
    documents,
    rules: emitted.flatMap(policyRules),
    losses: [...losses],
    digest: policyDigest({ target, documents }),
  };
}
