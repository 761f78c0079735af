/** The policy of a workload, from the profiles of its containers: a pure function (I2). */

import { documentOf, policyDigest } from '#policy';
import type { BehaviourProfile, Policy } from '#schemas';
import { confidenceOf } from './confidence.ts';
import { emitCilium } from './emit-cilium.ts';
import { emitKubeArmor } from './emit-kubearmor.ts';
import { emitKubernetes } from './emit-kubernetes.ts';
import { type EmitOptions, type Emitted, policyRules } from './emitted.ts';
import { type HttpOptions, httpDefaults } from './generalise-http.ts';
import { type NameOptions, nameDefaults } from './generalise-names.ts';
import { compareText } from './order.ts';
import { type PathOptions, pathDefaults } from './path-options.ts';
import { type WorkloadPolicy, workloadPolicy } from './policy-ir.ts';

type Emit = (policy: WorkloadPolicy, options: EmitOptions) => Emitted[];
export type EmitterName = 'kubearmor' | 'cilium' | 'kubernetes';
export const emitters: Readonly<Record<EmitterName, Emit>> = {
  kubearmor: emitKubeArmor,
  cilium: emitCilium,
  kubernetes: emitKubernetes,
};
/** Every kind of documents there is. */
export const knownEmitters = Object.freeze(Object.keys(emitters)) as readonly EmitterName[];

/** Those that our own enforcer takes: what is emitted unless something else is asked for. */
export const emitterNames: readonly EmitterName[] = Object.freeze(['kubearmor', 'kubernetes'] as const);

/** Of what Hubble recorded, unless something else is asked for: where Hubble is, Cilium is, and says what a NetworkPolicy cannot. */
export const hubbleEmitterNames: readonly EmitterName[] = Object.freeze(['kubearmor', 'cilium'] as const);

/** The emitters whose documents a policy has. */
export function emittersOf({ documents }: Pick<Policy, 'documents'>): EmitterName[] {
  const kinds = documents.map(({ kind }) => kind);
  const of = (test: RegExp) => kinds.some(kind => test.test(kind));
  const held = { kubearmor: of(/^KubeArmor/), cilium: of(/^Cilium/), kubernetes: of(/^NetworkPolicy$/) };
  return knownEmitters.filter(name => held[name]);
}

export interface PolicyOptions {
  readonly http: HttpOptions;
  readonly names: NameOptions;
  readonly paths: PathOptions;
  /** Whether what a kind of document cannot say exactly is written wider and reported, instead of left out and reported. */
  readonly widen: boolean;
  /** Whether capabilities are restricted to those that were seen. KubeArmor does; our own enforcer refuses such documents. */
  readonly capabilities: boolean;
  /** Whether rules are confined to the executables seen behind them. KubeArmor does; our own enforcer refuses such documents. */
  readonly fromSource: boolean;
}

export const policyDefaults: PolicyOptions = {
  ...{
    http: httpDefaults,
    names: nameDefaults,
    paths: pathDefaults,
    widen: false,
    capabilities: false,
    fromSource: false,
  },
};

/** What a policy says, without its place among its versions. */
export type PolicyContent = Pick<
  Policy,
  'target' | 'documents' | 'rules' | 'losses' | 'digest' | 'confidence'
>;

/** Undefined when nothing selects the workload's pods, or nothing was seen that a document could say. */
export function makePolicy(
  profiles: readonly BehaviourProfile[],
  emit: readonly EmitterName[],
  options: PolicyOptions = policyDefaults,
): PolicyContent | undefined {
  const policy = workloadPolicy(profiles, options);
  const { cluster, namespace, workloadKind, workload, selector } = policy;
  const losses = new Set(policy.losses);
  if (Object.keys(selector).length === 0) return undefined;
  const emitted = knownEmitters
    .filter(name => emit.includes(name))
    .flatMap(name => emitters[name](policy, { ...options, lose: what => losses.add(what) }));
  if (emitted.length === 0) return undefined;
  const target = { cluster, namespace, workloadKind, workload, selector: { ...selector } };
  const documents = emitted
    .map(({ object }) => documentOf(object))
    .sort((a, b) => compareText(`${a.kind}/${a.name}`, `${b.kind}/${b.name}`));
  return {
    target,
    documents,
    rules: emitted.flatMap(policyRules),
    losses: [...losses].sort(compareText),
    digest: policyDigest({ target, documents }),
    confidence: confidenceOf(profiles),
  };
}
