/**
 * What the topics say while the loop runs.
 *
 * Owns: the records seen so far, by kind; waiting for one to come. Does not own: what they mean.
 */

import process from 'node:process';
import type { LogClient } from '#kafka';
import type { AgentHealth, Alert, Policy, PolicyStatus, Serdes } from '#schemas';
import { Ledger } from './ledger.ts';
import { until } from './steps.ts';
import { type Tapped, tap } from './tap.ts';

export interface SeenAlert {
  readonly alert: Alert;
  /** By this machine's clock. */
  readonly arrivedMs: number;
}

export const eventTopics = [
  'events.process.v1',
  'events.file.v1',
  'events.network.v1',
  'events.syscall.v1',
  'events.capability.v1',
] as const;

const topics = [
  ...eventTopics,
  'alerts.v1',
  'policies.v1',
  'policy-status.v1',
  'agents.health.v1',
  'dead-letters.v1',
] as const;

export class Observer {
  readonly ledger = new Ledger();
  readonly alerts: SeenAlert[] = [];
  /** The newest of each policy. */
  readonly policies = new Map<string, Policy>();
  readonly statuses: PolicyStatus[] = [];
  readonly healths: AgentHealth[] = [];
  events = 0;
  deadLetters = 0;
  /** When the newest event or alert came, and the latest event time among them, by the guest's clock. */
  lastEventMs = 0;
  lastEventTimeUs = 0;
  lastPolicyMs = 0;
  #close: () => Promise<void> = async () => {};

  static async open(client: LogClient, serdes: Serdes, tenant: string): Promise<Observer> {
    const observer = new Observer();
    observer.#close = await tap({
      ...{ client, serdes, tenant, topics, groupId: 'loop-observer' },
      onRecord: record => observer.#take(record),
      onFailed: error => process.stderr.write(`loop: the observer ended: ${error.stack}\n`),
    });
    return observer;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #take({ topic, value, key, arrivedMs }: Tapped): void {
    switch (topic) {
      case 'alerts.v1':
        this.#event(value as Alert, arrivedMs);
        this.alerts.push({ alert: value as Alert, arrivedMs });
        break;
      case 'policies.v1':
        if (value === null) this.policies.delete(key);
        else this.policies.set(key, value as Policy);
        this.lastPolicyMs = arrivedMs;
        break;
      case 'policy-status.v1':
        if (value !== null) this.statuses.push(value as PolicyStatus);
        break;
      case 'agents.health.v1':
        this.healths.push(value as AgentHealth);
        break;
      case 'dead-letters.v1':
        this.deadLetters++;
        break;
      default:
        this.#event(value as unknown as Alert, arrivedMs);
        this.events++;
    }
  }

  #event({ origin, time }: Pick<Alert, 'origin' | 'time'>, arrivedMs: number): void {
    this.ledger.add(origin);
    this.lastEventMs = arrivedMs;
    this.lastEventTimeUs = Math.max(this.lastEventTimeUs, time);
  }

  /** Resolves when what happened up to a time of the guest has come: something later came, or nothing for a while. */
  async settled(untilUs: number): Promise<void> {
    await until('the events to arrive', 120_000, () =>
      this.lastEventTimeUs > untilUs || Date.now() - this.lastEventMs > 5000 ? true : undefined,
    );
    // A number is given out before its event is written: leave the few that were on their way time to come.
    await new Promise(resolve => setTimeout(resolve, 500));
  }

  /** Resolves when nothing came for a while, as `last` tells. */
  async quiet(what: string, quietMs: number, last: () => number): Promise<void> {
    await until(`${what} to end`, 120_000, () => (Date.now() - last() > quietMs ? true : undefined));
  }

  /** The status of each policy that fits, once there is one for every one of the policies. */
  async statusOf(state: PolicyStatus['state'], policies: readonly Policy[], from = 0): Promise<void> {
    await until(`policies to be ${state}`, 400_000, () => {
      const told = this.statuses.slice(from);
      const rejected = told.find(status => status.state === 'REJECTED');
      if (rejected) throw new Error(`policy ${rejected.policyId} was rejected: ${rejected.reason}`);
      const has = ({ policyId, generation }: Policy) =>
        told.some(s => s.policyId === policyId && s.generation === generation && s.state === state);
      return policies.every(has) || undefined;
    });
  }
}
