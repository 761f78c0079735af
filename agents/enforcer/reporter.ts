/**
 * What the enforcer says of itself: policy status, health, dead letters.
 *
 * Owns: these records and when there is news. Does not own: sending (emitter.ts), the sums (books.ts).
 */

import type { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import {
  deadLetterKey,
  policyStatusKey,
  type Serdes,
  type TopicName,
  topicName,
  withDefaults,
} from '#schemas';
import type { Statement } from './books.ts';
import type { Emitter } from './emitter.ts';
import type { Enforcement } from './enforcement.ts';
import { healthRecord } from './health.ts';
import { type Rejection, StatusBoard, statusOf } from './policy-status.ts';
import type { Outcome, PolicyTable } from './policy-table.ts';
import type { ScopeTable } from './scope-table.ts';

export interface ReporterOptions {
  readonly tenant: string;
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  readonly emitter: Emitter;
  readonly scopes: ScopeTable;
  readonly policies: PolicyTable;
  readonly onNews: (facts: object, text: string) => void;
  readonly now: () => number;
}

export interface HealthNews {
  readonly bootId: string;
  readonly openSinceMs: number;
  readonly statement: Statement;
  readonly counters: Readonly<Record<string, number>>;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #board = new StatusBoard();
  readonly #rejections = new Map<string, Rejection>();
  readonly #removed = new Set<string>();
  #serdes: Serdes | undefined;
  #deadLetters = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  get deadLetters(): number {
    return this.#deadLetters;
  }

  /** Key and `agent` of its health records. */
  get agentId(): string {
    return `enforcer/${this.#options.cluster}/${this.#options.node}`;
  }

  /** Before this nothing is told. */
  begin(serdes: Serdes): void {
    this.#serdes = serdes;
  }

  note(policyId: string, outcome: Outcome): void {
    if (outcome.kind === 'unchanged') return;
    this.#rejections.delete(policyId);
    this.#removed.delete(policyId);
    if (outcome.kind === 'rejected') this.#rejections.set(policyId, outcome);
    if (outcome.kind === 'removed') this.#removed.add(policyId);
  }

  tellStatus({ installed, troubles }: Pick<Enforcement, 'installed' | 'troubles'>): void {
    const { cluster, node, scopes, policies, onNews, now } = this.#options;
    if (!this.#serdes) return;
    const containers = [...installed].flatMap(([cgroupId, what]) => {
      const id = scopes.get(cgroupId)?.container.id;
      return id ? [{ id, installed: what }] : [];
    });
    const held = containers.flatMap(container => container.installed.names.map(name => name.policyId));
    const inForce = policies.inForce.map(policy => policy.policyId);
    for (const policyId of new Set([...held, ...inForce, ...this.#rejections.keys(), ...this.#removed])) {
      const facts = statusOf({
        policyId,
        inForce: policies.get(policyId),
        rejection: this.#rejections.get(policyId),
        removed: this.#removed.has(policyId),
        containers,
        troubles: this.#troublesOf(policyId, troubles),
      });
      const status = facts && this.#board.news(facts, { cluster, node, atMs: now() });
      if (!status) continue;
      onNews({ policyId, state: status.state, generation: status.generation }, 'policy status');
      this.#push(
        'policy-status.v1',
        policyStatusKey(status),
        this.#serdes.of('policy-status.v1').serialize(status),
      );
    }
  }

  tellHealth({ bootId, openSinceMs, statement, counters }: HealthNews): void {
    const { emitter, cluster, node, version, now } = this.#options;
    // While the broker is away one statement waits; the next has newer numbers anyway.
    if (!this.#serdes || !emitter.healthy) return;
    const agent = this.agentId;
    const who = { agent, cluster, node, version, bootId };
    const health = healthRecord({ ...who, atMs: now(), openSinceMs, statement, counters });
    this.#push('agents.health.v1', agent, this.#serdes.of('agents.health.v1').serialize(health));
  }

  tellDeadLetter(record: LogRecord, error: SluiceError): void {
    if (!this.#serdes) return;
    this.#deadLetters += 1;
    const { topic, partition, offset, timestampMs, key, value, headers } = record;
    const letter = withDefaults('DeadLetter', {
      topic,
      partition,
      offset,
      timestamp: timestampMs,
      key,
      value,
      headers: { ...headers },
      application: 'enforcer',
      stage: error.stage,
      code: error.code,
      message: error.message,
    });
    this.#push(
      'dead-letters.v1',
      deadLetterKey(record),
      this.#serdes.of('dead-letters.v1').serialize(letter),
    );
  }

  #troublesOf(policyId: string, troubles: ReadonlyMap<number, string>): string[] {
    const { scopes, policies } = this.#options;
    return [...troubles].flatMap(([cgroupId, text]) => {
      const scope = scopes.get(cgroupId);
      const isWanted = scope && policies.policiesOf(scope).some(policy => policy.policyId === policyId);
      return isWanted ? [`container ${scope.container.id}: ${text}`] : [];
    });
  }

  #push(name: TopicName, key: string, value: Buffer): void {
    const { emitter, tenant, now } = this.#options;
    emitter.push({
      topic: topicName(tenant, name),
      key: Buffer.from(key, 'utf8'),
      value,
      timestampMs: now(),
    });
  }
}
