import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LogClient, memoryLog } from '#kafka';
import { parseAnyDocument } from '#policy';
import { localSerdes, type Policy, type RecordTopicName, topicName, topicSpecs } from '#schemas';
import { emitterNames, knownEmitters, policyDefaults } from '../../discovery/index.ts';
import {
  captureRecording,
  type RecordingBroker,
  type RecordingRequest,
  recordingOptions,
  reportedTopics,
} from '../../enrich/index.ts';
import { entities, eventMaker, keyOf, ordinaryEvents, pods, topicOf } from '../../enrich/sample-cluster.ts';
import { packed, unpacked } from '../jobs/packed.ts';
import { type SimulationState, simulate } from '../simulate/index.ts';
import { compareLive } from './compare-live.ts';
import { type Replayed, type ReplayState, replay } from './replay.ts';
import { removeReplay, replayTopicName, writeReplay } from './replay-topics.ts';

const tenant = 'default';
const serdes = localSerdes();
const log = memoryLog();
const broker: RecordingBroker = { client: log.client(), serdes, tenant };
const all: RecordingRequest = { paths: [], topics: reportedTopics };

async function produce(topic: RecordTopicName, key: string, value: unknown): Promise<void> {
  const producer = await broker.client.producer();
  const bytes = Buffer.isBuffer(value) ? value : serdes.of(topic).serialize(value as never);
  await producer.send([{ topic: topicName(tenant, topic), key: Buffer.from(key), value: bytes }]);
}

beforeAll(async () => {
  const admin = await broker.client.admin();
  await admin.createTopics(topicSpecs(tenant, { partitions: 3 }));
  for (const value of entities()) await produce('entities.v1', keyOf.entity(value), value);
  for (const boot of ['boot-1', 'boot-2', 'boot-3'])
    for (const value of ordinaryEvents(boot)) await produce(topicOf(value), `${boot}${value.time}`, value);
  const nobody = { pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true };
  const unknown = eventMaker('boot-9').open(nobody, '/x');
  await produce('events.file.v1', 'a', unknown);
  await produce('events.file.v1', 'b', Buffer.from([9]));
});

async function replayed(options: { readonly request?: RecordingRequest; readonly client?: LogClient } = {}) {
  const { request = all, client = broker.client } = options;
  const mine = { ...broker, client };
  const recording = recordingOptions(await captureRecording(request, mine), mine);
  return replay({ recording, emit: emitterNames, policy: policyDefaults });
}

describe('a replay', () => {
  it('accounts for every record, and names in the evidence where it lies', async () => {
    const { events, learned, ignored, deadLetters, inputs, policies } = await replayed();
    const ofEvents = deadLetters.filter(({ code }) => code === 'IDENTITY_UNKNOWN').length;
    const left = Object.values(ignored).reduce((sum, count) => sum + count, 0);
    expect(learned + left + ofEvents).toBe(events);
    expect(deadLetters.map(({ code }) => code).sort()).toEqual(['IDENTITY_UNKNOWN', 'RECORD_TRUNCATED']);
    expect(inputs.reduce((sum, { bad }) => sum + bad, 0)).toBe(1);
    const topics = policies.flatMap(({ rules }) =>
      rules.flatMap(({ evidence }) => evidence?.samples.map(({ topic }) => topic) ?? []),
    );
    expect(new Set(topics)).toContain('default.events.file.v1');
  });

  it('gives the same from wherever it goes on, however often', async () => {
    const whole = await replayed();
    const captured = await captureRecording(all, broker);
    const states: ReplayState[] = [];
    const recording = recordingOptions(captured, broker);
    const made = { recording, emit: emitterNames, policy: policyDefaults };
    await replay({
      ...made,
      progress: async ({ state }) => void states.push(await unpacked(await packed(state()))),
    });
    expect(states.length).toBeGreaterThan(6);
    for (const resume of states) expect(await replay({ ...made, resume })).toEqual(whole);
  });

  it('gives the same from the end of each file, with what the files before told of who there is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'));
    const end = (app: string) => ({
      ...{ namespace: 'shop', pod_name: `${app}-6d4b75cb6d-x7z2p` },
      labels: [`k8s:app=${app}`, 'k8s:io.kubernetes.pod.namespace=shop'],
    });
    const flow = (source: string, destination: string, port: number) => ({
      ...{ time: '2026-01-01T00:00:00Z', verdict: 'FORWARDED', is_reply: false },
      ...{ source: end(source), destination: end(destination), traffic_direction: 'EGRESS' },
      IP: { source: '10.1.0.1', destination: '10.1.0.2', ipVersion: 'IPv4' },
      l4: { TCP: { source_port: 40_000, destination_port: port } },
    });
    for (const [name, flows] of Object.entries({
      'a.json': [flow('web', 'db', 5432), flow('web', 'cache', 6379)],
      'b.json': [flow('web', 'db', 5433)],
      'c.json': [flow('cache', 'db', 5432), flow('web', 'db', 5432)],
    }))
      writeFileSync(join(folder, name), flows.map(each => JSON.stringify({ flow: each })).join('\n'));
    const made = { recording: { from: [folder] }, emit: knownEmitters, policy: policyDefaults };
    const states: ReplayState[] = [];
    const whole = await replay({
      ...made,
      progress: async ({ state }) => void states.push(await unpacked(await packed(state()))),
    });
    expect(states).toHaveLength(3);
    const told = ({ entities: _, ...rest }: Replayed) => rest;
    for (const resume of states) expect(told(await replay({ ...made, resume }))).toEqual(told(whole));
    rmSync(folder, { recursive: true });
  });

  it('ends where it was captured, whatever is recorded meanwhile', async () => {
    const before = await replayed();
    const captured = await captureRecording(all, broker);
    await produce('events.file.v1', 'late', eventMaker('boot-4').open({ pod: pods.web0 }, '/late'));
    const made = { emit: emitterNames, policy: policyDefaults };
    const after = await replay({ recording: recordingOptions(captured, broker), ...made });
    expect(after).toEqual(before);
    expect((await replayed()).events).toBe(before.events + 1);
  });

  it('reads the partitions and offsets asked for alone', async () => {
    const offsets = [{ name: 'events.file.v1' as const, partition: 1, from: 1, to: 3 }];
    const { inputs } = await replayed({ request: { paths: [], topics: ['events.file.v1'], offsets } });
    expect(inputs.map(({ name, records }) => [name, records])).toEqual([['default.events.file.v1', 2]]);
  });

  it('leaves nothing behind when its outputs cannot be written', async () => {
    const result = await replayed();
    const run = 'broken';
    const failing: LogClient = {
      ...broker.client,
      admin: () => broker.client.admin(),
      read: options => broker.client.read(options),
      producer: async () => ({
        send: () => Promise.reject(new Error('away')),
        close: () => Promise.resolve(),
      }),
    };
    await expect(writeReplay({ ...broker, client: failing, run }, result)).rejects.toThrow('away');
    const admin = await broker.client.admin();
    expect((await admin.listTopics()).filter(name => name.includes('.replay.'))).toEqual([]);
    await expect(writeReplay({ ...broker, run: 'Not a run' }, result)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await writeReplay({ ...broker, run }, result);
    const letters = log.records(replayTopicName({ tenant, run }, 'dead-letters.v1'));
    expect(letters).toHaveLength(2);
    await removeReplay({ ...broker, run });
    expect((await admin.listTopics()).filter(name => name.includes('.replay.'))).toEqual([]);
  });
});

describe('a simulation', () => {
  it('gives the same from wherever it goes on', async () => {
    const { policies } = await replayed({ request: { paths: [], topics: ['events.process.v1'] } });
    const documents = policies.flatMap(each => each.documents.map(parseAnyDocument));
    const recording = recordingOptions(await captureRecording(all, broker), broker);
    const states: SimulationState[] = [];
    const whole = await simulate({
      ...{ policies: documents, recording },
      progress: async ({ state }) => void states.push(await unpacked(await packed(state()))),
    });
    expect(whole.denied.length + whole.accesses).toBeGreaterThan(5);
    for (const resume of states)
      expect(await simulate({ policies: documents, recording, resume })).toEqual(whole);
  });
});

describe('a replay beside what is in force', () => {
  const published = (policies: readonly Policy[]) => policies.map(each => ({ ...each, generation: 7 }));

  it('is the same where digests are, and tells what it would open and close where they are not', async () => {
    const { policies, profiles } = await replayed();
    expect(compareLive({ policies, profiles }, published(policies)).map(each => each.agreement)).toEqual([
      'same',
      'same',
    ]);
    const less = await replayed({ request: { ...all, topics: ['events.process.v1', 'events.file.v1'] } });
    const [web] = compareLive(less, published(policies)).filter(({ policyId }) => policyId.endsWith('web'));
    expect(web!.agreement).toBe('differs');
    expect(web!.opens).toContain('connects to whom no rule names');
    expect(web!.rules.removed.length).toBeGreaterThan(0);
    const [more] = compareLive({ policies, profiles }, published(less.policies)).filter(({ policyId }) =>
      policyId.endsWith('web'),
    );
    expect(more!.closes).toContain('connects to whom no rule names');
  });

  it('knows what only one of the two has, and takes what is retired for none', async () => {
    const { policies, profiles } = await replayed();
    const [first, second] = policies as [Policy, Policy];
    const retired: Policy = { ...second, stage: 'RETIRED' };
    const gone: Policy = { ...first, policyId: 'east/shop/Deployment/gone' };
    const agreements = compareLive({ policies, profiles }, [first, retired, gone]);
    expect(Object.fromEntries(agreements.map(({ policyId, agreement }) => [policyId, agreement]))).toEqual({
      [first.policyId]: 'same',
      [second.policyId]: 'new',
      'east/shop/Deployment/gone': 'missing',
    });
  });
});
