/**
 * Which connections to addresses are connections to names.
 *
 * Invariants:
 * W1 Connections to an address, of which one came after it was answered for a name, are connections to that name: a recording
 *    that begins between an answer and its use shows the next answer only. Of several names it is the one that was answered
 *    last before the first of the connections, or the last of them: addresses are shared, and who connects has just asked.
 *    It does not matter in which order all of them were learned; only when they happened.
 */

import { type Behaviour, type Evidence, withDefaults } from '#schemas';
import { compareText } from './order.ts';

export interface Named {
  /** With the name as its peer, where it has one. */
  readonly behaviour: Behaviour;
  /** The address then. */
  readonly addresses: readonly string[];
}

export function nameConnections(behaviours: readonly Behaviour[]): Named[] {
  const answers = behaviours.filter(
    ({ operation, transport }) => operation === 'DNS' && transport === 'OTHER',
  );
  const byAddress = Map.groupBy(answers, ({ peer }) => peer?.value ?? '');
  return behaviours.map(behaviour => {
    const { operation, peer, evidence } = behaviour;
    const isConnection = operation === 'CONNECT' || operation === 'SEND';
    if (!isConnection || peer?.type !== 'ADDRESS') return { behaviour, addresses: [] };
    const [answer] = (byAddress.get(peer.value) ?? [])
      .filter(answer => answer.evidence.firstSeen <= evidence.lastSeen)
      .map(({ object, evidence: answered }) => ({ name: object, beforeUs: timeBefore(answered, evidence) }))
      .sort((a, b) => a.beforeUs - b.beforeUs || compareText(a.name, b.name));
    if (!answer) return { behaviour, addresses: [] };
    const fqdn = withDefaults('Peer', { type: 'FQDN', value: answer.name });
    return { behaviour: { ...behaviour, peer: fqdn }, addresses: [peer.value] };
  });
}

/** From the first answer to the first connection or from the last to the last, whichever is shorter. */
function timeBefore(answered: Evidence, connected: Evidence): number {
  const spans = [connected.firstSeen - answered.firstSeen, connected.lastSeen - answered.lastSeen];
  const [shortest] = spans.filter(span => span >= 0).sort((a, b) => a - b);
  return shortest ?? Number.MAX_SAFE_INTEGER;
}
