/**
 * Behaviours that a policy does not tell apart: requests that differ in identifiers, connections to addresses of one name,
 * names of one pattern.
 */

import { joinEvidence } from '#policy';
import type { Behaviour, Evidence } from '#schemas';
import { generaliseHttp } from './generalise-http.ts';
import { patternOf } from './generalise-names.ts';
import { nameConnections } from './name-connections.ts';

/** The evidence of each kind of behaviours; answers to DNS questions only name what is connected to, and are none. */
export function evidenceOfKinds(behaviours: readonly Behaviour[]): Evidence[] {
  const told = nameConnections(behaviours)
    .map(({ behaviour }) => behaviour)
    .filter(({ operation, transport }) => operation !== 'DNS' || transport !== 'OTHER');
  return [...Map.groupBy(told, keyOf).values()].flatMap(evidenceOf);
}

function evidenceOf(alike: readonly Behaviour[]): Evidence[] {
  const requests = alike.flatMap(({ http, evidence }) => (http ? [{ ...http, evidence }] : []));
  if (requests.length > 0) return generaliseHttp(requests).map(({ evidence }) => evidence);
  return [alike.length === 1 ? alike[0]!.evidence : joinEvidence(alike.map(({ evidence }) => evidence))!];
}

function keyOf({ operation, object, source, transport, port, peer, http }: Behaviour): string {
  const who = peer && [
    ...[peer.type, peer.namespace, peer.workloadKind, peer.workload],
    peer.type === 'FQDN' ? patternOf(peer.value) : peer.value,
  ];
  const what = operation === 'DNS' ? patternOf(object) : object;
  return JSON.stringify([operation, what, source, transport, port, who, http !== null]);
}
