import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryLog } from '#kafka';
import { localSerdes, readCapture, topicName, topicSpecs, withDefaults } from '#schemas';
import { recordCapture, replayCapture } from './index.ts';

const origin = (sequence: number) => ({ cluster: 'c', node: 'n', agent: 'enforcer', bootId: 'b', sequence });
const event = (sequence: number) =>
  withDefaults('FileEvent', {
    origin: origin(sequence),
    time: 1_000_000 + sequence,
    container: withDefaults('Container', { id: 'k' }),
    file: withDefaults('FileAccess', { operation: 'OPEN', path: `/f${sequence}`, read: true }),
  });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-capture-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function emptyLog() {
  const client = memoryLog().client();
  await (await client.admin()).createTopics(topicSpecs('t'));
  return client;
}

describe('a capture', () => {
  it('holds what the topics held, and puts it back under the same topics and keys', async () => {
    const serdes = localSerdes();
    const client = await emptyLog();
    const topic = topicName('t', 'events.file.v1');
    const sent = [1, 2, 3].map(n => ({
      topic,
      key: Buffer.from(`k${n}`),
      value: serdes.of('events.file.v1').serialize(event(n)),
      timestampMs: 5000 - n,
    }));
    const entity = {
      topic: topicName('t', 'entities.v1'),
      key: Buffer.from('gone'),
      value: null,
      timestampMs: 1,
    };
    await (await client.producer()).send([...sent, entity]);

    const first = join(folder, 'first.avro');
    expect(await recordCapture({ client, serdes, tenant: 't', path: first })).toEqual({
      records: 4,
      bad: [],
    });
    const captured = [];
    for await (const record of readCapture(first))
      captured.push([record.topic, record.key, record.timestamp]);
    expect(captured).toEqual([
      ['entities.v1', 'gone', 1],
      ['events.file.v1', 'k3', 4997],
      ['events.file.v1', 'k2', 4998],
      ['events.file.v1', 'k1', 4999],
    ]);

    const torn = { topic, key: null, value: sent[0]!.value.subarray(0, 6) };
    await (await client.producer()).send([torn]);
    const { records, bad } = await recordCapture({ client, serdes, tenant: 't', path: first });
    expect(records).toBe(4);
    expect(bad).toEqual([expect.stringMatching(/^t\.events\.file\.v1\/\d@\d+: RECORD_/)]);

    const second = await emptyLog();
    expect(await replayCapture({ client: second, serdes, tenant: 't', path: first })).toBe(4);
    const again = join(folder, 'again.avro');
    await recordCapture({ client: second, serdes, tenant: 't', path: again });
    const values = async (path: string) => {
      const found = [];
      for await (const { topic, key, value } of readCapture(path)) found.push({ topic, key, value });
      return found.sort((a, b) => String(a.key).localeCompare(String(b.key)));
    };
    expect(await values(again)).toEqual(await values(first));
  });
});
