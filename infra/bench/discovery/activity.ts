/** Something that happened between two ends, and what either end's agent reports of it. */

import type { HttpRequest, Transport } from '#schemas';
import type { Edge } from './application.ts';
import type { Pod } from './pod-lives.ts';

/** A pod, or somebody outside at an address. */
export type Party = Pod | { readonly address: string };

export function isPod(party: Party): party is Pod {
  return 'workload' in party;
}

/** `alerted`: an attack that was seen and let pass; `denied`: and refused; `plain`: that nobody noticed. */
export type Nature = 'benign' | 'alerted' | 'denied' | 'plain';

export interface Activity {
  readonly timeUs: number;
  readonly nature: Nature;
  readonly client: Party;
  readonly server: Party;
  readonly transport: Transport;
  /** The server's, and what the client called. */
  readonly port: number;
  readonly servicePort: number;
  readonly request: HttpRequest | null;
  /** The server is a DNS server and this was asked of it. */
  readonly question: Question | null;
  /** Names the client knows the server's address by. */
  readonly names: readonly string[];
  /** What distinct behaviours are counted by: equal for activities that differ in identifiers and pods only. */
  readonly behaviour: string;
  /** null of attacks, and of questions. */
  readonly edge: Edge | null;
}

export interface Question {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** One agent's report of an activity. */
export interface Report {
  readonly activity: Activity;
  readonly side: 'client' | 'server';
  /** Counts up by one per node; a lost report leaves a gap, a repeated one has the same. */
  readonly sequence: number;
  readonly arrivesUs: number;
}

export function reporter({ activity, side }: Pick<Report, 'activity' | 'side'>): Party {
  return side === 'client' ? activity.client : activity.server;
}
