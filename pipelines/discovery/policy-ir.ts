/**
 * A policy before it has a form: what one workload may do, and on which evidence.
 *
 * Owns: from behaviours to access rules. Pure, and sorted throughout: the same behaviours in whatever order give the same
 * policy, whatever their counts (I2).
 * Does not own: the rules of containers (container-rules.ts) and of the network (network-ir.ts), the documents (emit-*.ts).
 */

import type { BehaviourProfile } from '#schemas';
import { type ContainerPolicy, containerPolicy } from './container-rules.ts';
import type { HttpOptions } from './generalise-http.ts';
import type { NameOptions } from './generalise-names.ts';
import { type NetworkRules, networkRules } from './network-ir.ts';
import { compareText } from './order.ts';
import type { PathOptions } from './path-options.ts';
import { withoutSuspects } from './suspect-behaviours.ts';

export interface WorkloadPolicy {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerPolicy[];
  /** Of the whole pod; null when no network activity was seen. */
  readonly network: NetworkRules | null;
  /** What was seen and is in no rule. */
  readonly losses: readonly string[];
}

export interface RuleOptions {
  readonly http: HttpOptions;
  readonly names: NameOptions;
  readonly paths: PathOptions;
  readonly widen: boolean;
}

/** Profiles of the containers of one workload. Errors: none; what cannot be expressed is among the losses. */
export function workloadPolicy(
  profiles: readonly BehaviourProfile[],
  { http, names, paths, widen }: RuleOptions,
): WorkloadPolicy {
  const losses = new Set<string>();
  const lose = (what: string) => losses.add(what);
  const learned = withoutSuspects(profiles, { lose });
  const sorted = learned.toSorted((a, b) => compareText(a.container, b.container));
  const [first] = sorted;
  if (!first) throw new RangeError('a policy needs at least one profile');
  const { cluster, namespace, workloadKind, workload } = first;
  // What was seen on the wire is the pod's, under no container's name: it says nothing of what a container may call. A node has none.
  const containers = sorted
    .filter(({ container }) => container !== '' || workloadKind === 'Node')
    .map(profile => containerPolicy(profile, { paths, widen, lose }));
  const network = networkRules(sorted, { losses, http, names });
  return {
    ...{ cluster, namespace, workloadKind, workload },
    selector: selectorOf(sorted),
    containers,
    network,
    losses: [...losses].sort(compareText),
  };
}

/** The containers of a workload share its selector; when they were told at different times the longest spelling counts. */
function selectorOf(profiles: readonly BehaviourProfile[]): Readonly<Record<string, string>> {
  const spelled = (selector: object) => JSON.stringify(Object.entries(selector).sort());
  const selectors = profiles.map(({ selector }) => selector).filter(each => Object.keys(each).length > 0);
  const [best = {}] = selectors.sort((a, b) => compareText(spelled(a), spelled(b)));
  return Object.fromEntries(Object.entries(best).sort(([a], [b]) => compareText(a, b)));
}
