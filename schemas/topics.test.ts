import { expect, test } from 'vitest';
import type { SluiceError } from '#errors';
import { parseTopicName, recordTopicNames, subjectOf, topicName, topicNames, topicSpecs } from './topics.ts';

test('a topic name is the tenant and the catalogue name, and comes apart again', () => {
  for (const name of topicNames) {
    expect(parseTopicName(topicName('team-7', name))).toEqual({ tenant: 'team-7', name });
  }
  expect(topicName('default', 'events.process.v1')).toBe('default.events.process.v1');
  expect(subjectOf('default', 'alerts.v1')).toBe('default.alerts.v1-value');
});

test('a topic outside the catalogue is not taken for one of it', () => {
  for (const topic of [
    'alerts.v1',
    'default.alerts.v2',
    'default.toString',
    '.alerts.v1',
    'A.alerts.v1',
    '',
  ]) {
    expect(parseTopicName(topic)).toBeUndefined();
  }
});

test('a tenant that could reach into the topics of another is refused', () => {
  for (const tenant of ['', 'a.b', 'Default', '-a', 'a-', 'a_b', 'ä', 'x'.repeat(33)]) {
    expect(() => topicName(tenant, 'alerts.v1')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' } satisfies Partial<SluiceError>),
    );
  }
});

test('every topic of the catalogue is specified once, compacted ones without a retention time', () => {
  const specs = topicSpecs('default', { partitions: 2 });
  expect(specs.map(spec => spec.topic)).toEqual(topicNames.map(name => `default.${name}`));
  expect(specs.every(spec => spec.partitions === 2 && !('replicas' in spec))).toBe(true);
  const config = (name: string) => specs.find(spec => spec.topic === name)?.config;
  expect(config('default.events.file.v1')).toEqual({
    'cleanup.policy': 'delete',
    'retention.ms': '604800000',
  });
  expect(config('default.policies.v1')).toMatchObject({
    'cleanup.policy': 'compact',
    'segment.ms': '600000',
  });
  expect(config('default.policies.v1')).not.toHaveProperty('retention.ms');
  expect(config('default.behaviours.v1')).toHaveProperty('max.message.bytes', '16777216');
});

test('only the ready-made texts for sinks have no record type', () => {
  expect(topicNames.filter(name => !(recordTopicNames as readonly string[]).includes(name))).toEqual([
    'siem.ocsf.v1',
    'siem.ecs.v1',
    'siem.cef.v1',
  ]);
});
