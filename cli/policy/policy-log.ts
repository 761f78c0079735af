/**
 * The topics of policies, as the policy commands read them.
 *
 * Owns: which version stands, which versions there were, what was said of them. Does not own: what is written (change.ts).
 */

import { SluiceError } from '#errors';
import type { LogRecord } from '#kafka';
import { StandingPolicies } from '#policy';
import {
  type BehaviourProfile,
  type Policy,
  type PolicyFinding,
  type PolicyTransition,
  type RecordTopicName,
  type TopicRecord,
  topicName,
} from '#schemas';
import type { Broker } from '../broker-options.ts';

/** What the commands read or write. */
export const policyTopics = [
  ...(['policies.v1', 'policy-history.v1', 'policy-transitions.v1', 'policy-approvals.v1'] as const),
  ...(['policy-findings.v1', 'behaviours.v1'] as const),
];

export interface DatedPolicy {
  readonly policy: Policy;
  /** When it was written, milliseconds since the epoch. */
  readonly atMs: number;
}

export class PolicyLog {
  readonly broker: Broker;
  readonly standing = new StandingPolicies();
  /** Of policies.v1, by partition: the next offset to read. */
  readonly #positions = new Map<number, number>();

  private constructor(broker: Broker) {
    this.broker = broker;
  }

  /** With all that is in policies.v1 now. Errors: those of the broker and of records that cannot be read. */
  static async open(broker: Broker): Promise<PolicyLog> {
    const log = new PolicyLog(broker);
    await log.catchUp();
    return log;
  }

  /** Takes in what was written since; `onVersion` sees each that stands as it comes to. */
  async catchUp(onVersion?: (policy: Policy) => void): Promise<void> {
    const { client, serdes, tenant } = this.broker;
    const topic = topicName(tenant, 'policies.v1');
    const serde = serdes.of('policies.v1');
    const admin = await client.admin();
    for (const { partition, earliest } of await admin.offsets(topic)) {
      const from = this.#positions.get(partition) ?? earliest;
      const next = await client.read({
        ...{ topic, partition, from },
        onBatch: async ({ records }) => {
          await serdes.prepareFor(records.map(({ value }) => value));
          for (const { key, value } of records) {
            const policyId = key?.toString() ?? '';
            const before = this.standing.get(policyId);
            this.standing.apply({ key: policyId, value: value && serde.deserialize(value) });
            const after = this.standing.get(policyId);
            if (after && after.generation !== before?.generation) onVersion?.(after);
          }
        },
      });
      this.#positions.set(partition, next);
    }
    await admin.close();
  }

  /** Errors: INPUT_INVALID, naming those there are. */
  policy(policyId: string): Policy {
    const policy = this.standing.get(policyId);
    if (policy) return policy;
    const there = this.standing.all().map(each => each.policyId);
    throw new SluiceError(
      'INPUT_INVALID',
      `There is no policy ${policyId}. There are: ${there.join(', ') || 'none'}`,
    );
  }

  /** Every version that is still kept, oldest first: from the history that verify keeps, and from policies.v1 itself. */
  async versions(policyId: string): Promise<DatedPolicy[]> {
    const byGeneration = new Map<number, DatedPolicy>();
    for (const name of ['policy-history.v1', 'policies.v1'] as const) {
      for (const { value, record } of await this.#recordsOf(name, policyId)) {
        const { generation } = value;
        if (!byGeneration.has(generation))
          byGeneration.set(generation, { policy: value, atMs: record.timestampMs });
      }
    }
    return [...byGeneration.values()].sort((a, b) => a.policy.generation - b.policy.generation);
  }

  /** Errors: INPUT_INVALID, naming the generations that are kept. */
  async version(policyId: string, generation: number): Promise<Policy> {
    const versions = await this.versions(policyId);
    const found = versions.find(({ policy }) => policy.generation === generation);
    if (found) return found.policy;
    const kept = versions.map(({ policy }) => policy.generation).join(', ') || 'none';
    throw new SluiceError('INPUT_INVALID', `${policyId} has no generation ${generation}. Kept are: ${kept}`);
  }

  async transitions(policyId: string): Promise<PolicyTransition[]> {
    return (await this.#recordsOf('policy-transitions.v1', policyId)).map(({ value }) => value);
  }

  /** Oldest first. */
  async findings(policyId: string | undefined): Promise<PolicyFinding[]> {
    const found = (await this.#recordsOf('policy-findings.v1', policyId)).map(({ value }) => value);
    return found.sort((a, b) => a.at - b.at);
  }

  /** The newest profile of each container of these workloads, by key. */
  async profiles(...policyIds: readonly string[]): Promise<BehaviourProfile[]> {
    const wanted = new Set(policyIds);
    const newest = new Map<string, BehaviourProfile>();
    await this.#read('behaviours.v1', key => wanted.has(key.slice(0, key.lastIndexOf('/'))), {
      onRecord: (key, value) => {
        if (value) newest.set(key, value);
        else newest.delete(key);
      },
    });
    return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, profile]) => profile);
  }

  async #recordsOf<T extends RecordTopicName>(name: T, policyId: string | undefined) {
    const found: { readonly value: TopicRecord<T>; readonly record: LogRecord }[] = [];
    await this.#read(name, key => policyId === undefined || key === policyId, {
      onRecord: (_, value, record) => {
        if (value) found.push({ value, record });
      },
    });
    return found;
  }

  async #read<T extends RecordTopicName>(
    name: T,
    isWanted: (key: string) => boolean,
    { onRecord }: { onRecord(key: string, value: TopicRecord<T> | null, record: LogRecord): void },
  ): Promise<void> {
    const { client, serdes, tenant } = this.broker;
    const topic = topicName(tenant, name);
    const serde = serdes.of(name);
    const admin = await client.admin();
    for (const { partition, earliest } of await admin.offsets(topic)) {
      await client.read({
        ...{ topic, partition, from: earliest },
        async onBatch({ records }) {
          const wanted = records.filter(({ key }) => isWanted(key?.toString() ?? ''));
          await serdes.prepareFor(wanted.map(({ value }) => value));
          for (const record of wanted) {
            const value = record.value && (serde.deserialize(record.value) as TopicRecord<T>);
            onRecord(record.key?.toString() ?? '', value, record);
          }
        },
      });
    }
    await admin.close();
  }
}
