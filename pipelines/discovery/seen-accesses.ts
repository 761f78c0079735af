/** What a workload was seen doing, as it is judged. */

import type { BehaviourProfile, Evidence } from '#schemas';
import type { Access, Actor } from './access.ts';

export interface SeenAccess {
  readonly access: Access;
  readonly evidence: Evidence;
}

/**
 * The accesses of the profiles of one workload, in the profiles' order. An address is known by the names under which the
 * workload was answered it; the answers themselves are no accesses.
 */
export function seenAccesses(profiles: readonly BehaviourProfile[]): SeenAccess[] {
  const namesOf = answeredNames(profiles);
  return profiles.flatMap(profile => {
    const actor = actorOf(profile);
    return profile.behaviours
      .filter(({ operation, transport }) => operation !== 'DNS' || transport !== 'OTHER')
      .map(({ evidence, ...behaviour }): SeenAccess => {
        const names = behaviour.peer?.type === 'ADDRESS' ? namesOf.get(behaviour.peer.value) : undefined;
        return { access: { ...behaviour, actor, ...(names && { names: [...names] }) }, evidence };
      });
  });
}

export function actorOf({
  namespace,
  workloadKind,
  selector,
  container,
}: Pick<BehaviourProfile, 'namespace' | 'workloadKind' | 'selector' | 'container'>): Actor {
  return workloadKind === 'Node' ? { nodeLabels: selector } : { namespace, labels: selector, container };
}

function answeredNames(profiles: readonly BehaviourProfile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const { behaviours } of profiles) {
    for (const { operation, transport, object, peer } of behaviours) {
      if (operation !== 'DNS' || transport !== 'OTHER' || peer === null) continue;
      names.set(peer.value, (names.get(peer.value) ?? new Set()).add(object));
    }
  }
  return names;
}
