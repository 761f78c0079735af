/**
 * The topic catalogue.
 *
 * Owns: which topics there are, what their records are, how they are keyed, kept and may evolve; names and subjects.
 * Does not own: the bytes (serde.ts), the keys' text (keys.ts), creating topics (#kafka), registering (#registry).
 */

import { SluiceError } from '#errors';
import type { Records } from './generated/types.ts';
import { type SchemaName, schemas } from './schema-names.ts';

/** How a schema may change while old records are still in the topic. */
export type Compatibility = 'BACKWARD_TRANSITIVE' | 'FULL_TRANSITIVE';

export type KeyForm =
  | 'cluster/namespace/workload'
  | 'cluster/kind/namespace/name'
  | 'cluster/namespace/kind/workload/container'
  | 'policy-id'
  | 'policy-id/node'
  | 'agent'
  | 'topic/partition';

export interface Topic<R extends SchemaName | null = SchemaName | null> {
  /** Name of the record type; null for topics of ready-made text. */
  readonly record: R;
  readonly key: KeyForm;
  readonly cleanup: 'delete' | 'compact';
  /** How long a record is kept; null for compacted topics, which keep the last record of each key. */
  readonly retentionMs: number | null;
  /** How long at least every record of a compacted topic stays; absent: it may go as soon as there is a later one. */
  readonly compactAfterMs?: number;
  readonly compatibility: Compatibility;
}

const dayMs = 86_400_000;

function kept<R extends SchemaName | null>(record: R, key: KeyForm, days: number): Topic<R> {
  return { record, key, cleanup: 'delete', retentionMs: days * dayMs, compatibility: 'BACKWARD_TRANSITIVE' };
}

function compacted<R extends SchemaName>(record: R, key: KeyForm, compatibility: Compatibility): Topic<R> {
  return { record, key, cleanup: 'compact', retentionMs: null, compatibility };
}

const workload = 'cluster/namespace/workload';

const catalogue = {
  'events.process.v1': kept('ProcessEvent', workload, 7),
  'events.file.v1': kept('FileEvent', workload, 7),
  'events.network.v1': kept('NetworkEvent', workload, 7),
  'events.dns.v1': kept('DnsEvent', workload, 7),
  'events.capability.v1': kept('CapabilityEvent', workload, 7),
  'events.syscall.v1': kept('SyscallEvent', workload, 7),
  'alerts.v1': kept('Alert', workload, 30),
  'entities.v1': compacted('EntityChange', 'cluster/kind/namespace/name', 'FULL_TRANSITIVE'),
  'behaviours.v1': compacted(
    'BehaviourProfile',
    'cluster/namespace/kind/workload/container',
    'BACKWARD_TRANSITIVE',
  ),
  'flows-1m.v1': kept('FlowAggregate', workload, 30),
  // Of two records of one generation the first counts, so both have to be there while somebody may still see the second.
  'policies.v1': { ...compacted('Policy', 'policy-id', 'FULL_TRANSITIVE'), compactAfterMs: dayMs },
  'policy-history.v1': kept('Policy', 'policy-id', 365),
  'policy-transitions.v1': kept('PolicyTransition', 'policy-id', 365),
  'policy-approvals.v1': compacted('PolicyApproval', 'policy-id', 'FULL_TRANSITIVE'),
  'policy-findings.v1': kept('PolicyFinding', 'policy-id', 30),
  'policy-status.v1': compacted('PolicyStatus', 'policy-id/node', 'FULL_TRANSITIVE'),
  'agents.health.v1': kept('AgentHealth', 'agent', 7),
  'siem.ocsf.v1': kept(null, workload, 3),
  'siem.ecs.v1': kept(null, workload, 3),
  'siem.cef.v1': kept(null, workload, 3),
  'dead-letters.v1': kept('DeadLetter', 'topic/partition', 30),
};

export const topics = Object.freeze(catalogue);

export type TopicName = keyof typeof topics;

/** Topics whose value is an Avro record. */
export type RecordTopicName = {
  [T in TopicName]: (typeof topics)[T]['record'] extends null ? never : T;
}[TopicName];

/** The record type of a topic: `TopicRecord<'alerts.v1'>` is `Alert`. */
export type TopicRecord<T extends RecordTopicName> = Records[NonNullable<(typeof topics)[T]['record']>];

export const topicNames = Object.freeze(Object.keys(topics)) as readonly TopicName[];

export const recordTopicNames = Object.freeze(
  topicNames.filter(name => topics[name].record !== null),
) as readonly RecordTopicName[];

const tenantForm = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

/**
 * The tenant itself when it is fit to prefix topic names: lower case letters, digits and inner hyphens, at most 32,
 * so that no tenant's prefix is the beginning of another's name. Errors: CONFIG_INVALID.
 */
export function checkTenant(tenant: string): string {
  if (!tenantForm.test(tenant)) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `tenant ${JSON.stringify(tenant)}: use 1 to 32 lower case letters, digits and inner hyphens`,
    );
  }
  return tenant;
}

/** The topic's name on the broker: `default.alerts.v1`. Errors: CONFIG_INVALID for a bad tenant. */
export function topicName(tenant: string, name: TopicName): string {
  return `${checkTenant(tenant)}.${name}`;
}

/** Takes a broker's topic name apart again; undefined when it is not one of the catalogue. */
export function parseTopicName(topic: string): { tenant: string; name: TopicName } | undefined {
  const dot = topic.indexOf('.');
  const tenant = topic.slice(0, Math.max(dot, 0));
  const name = topic.slice(dot + 1);
  if (!tenantForm.test(tenant) || !Object.hasOwn(topics, name)) return undefined;
  return { tenant, name: name as TopicName };
}

/** The registry's subject of a topic's values. */
export function subjectOf(tenant: string, name: RecordTopicName): string {
  return `${topicName(tenant, name)}-value`;
}

export interface TopicSpecOptions {
  /** Absent: 4. Fixed for the life of the topics: changing it moves keys to other partitions. */
  readonly partitions?: number;
  /** Absent: the broker's default. */
  readonly replicas?: number;
}

/** What to create for a tenant, in the shape of #kafka's TopicSpec. */
export function topicSpecs(tenant: string, { partitions = 4, replicas }: TopicSpecOptions = {}) {
  return topicNames.map(name => ({
    topic: topicName(tenant, name),
    partitions,
    ...(replicas !== undefined && { replicas }),
    config: topicConfig(topics[name]),
  }));
}

/** Of containers that do forty thousand different things, and of what is made of them. */
const largeBytes = 16 * 1024 * 1024;
/** Records that grow with what was seen, and those that hold another record. */
const large: ReadonlySet<SchemaName | null> = new Set(['BehaviourProfile', 'Policy', 'DeadLetter'] as const);

/**
 * The active segment is never compacted, so compacted topics roll theirs every ten minutes. Their tombstones stay for
 * seven days: longer than a reader may be away and still see that a key is gone.
 */
function topicConfig(topic: Topic): Readonly<Record<string, string>> {
  const size: Readonly<Record<string, string>> = large.has(topic.record)
    ? { 'max.message.bytes': String(largeBytes) }
    : {};
  if (topic.cleanup === 'delete') {
    return { 'cleanup.policy': 'delete', 'retention.ms': String(topic.retentionMs), ...size };
  }
  return {
    ...{ 'cleanup.policy': 'compact', ...size },
    'segment.ms': '600000',
    'min.cleanable.dirty.ratio': '0.2',
    ...(topic.compactAfterMs !== undefined && { 'min.compaction.lag.ms': String(topic.compactAfterMs) }),
    'delete.retention.ms': String(7 * dayMs),
  };
}

/** What the registry must hold for a tenant: one subject per topic of records. */
export function subjects(tenant: string) {
  return recordTopicNames.map(name => ({
    subject: subjectOf(tenant, name),
    topic: name,
    record: topics[name].record,
    schema: schemas[topics[name].record].json as string,
    compatibility: topics[name].compatibility as Compatibility,
  }));
}
