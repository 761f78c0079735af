import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type MemoryLog, memoryLog } from '#kafka';
import { localRegistry, textSerde } from '#schemas';
import { mapValues, to, topology } from '../index.ts';
import { type PipelineSpec, pipeline } from './run-pipeline.ts';

const text = { key: textSerde, value: textSerde };

describe('a pipeline', () => {
  let folder: string;
  let log: MemoryLog;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-pipeline-'));
    log = memoryLog();
    const admin = await log.client().admin();
    const topics = ['in', 'out', 'acme.dead-letters.v1'];
    await admin.createTopics(topics.map(topic => ({ topic, partitions: 1 })));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const asked: string[] = [];
  const settings = { suffix: z.string().default('?'), times: z.coerce.number().default(1) };
  const spec: PipelineSpec<typeof settings> = {
    name: 'shout',
    doing: 'shouting',
    settings,
    topics: [],
    adapters: {
      client(options) {
        asked.push(`${options.clientId} at ${options.bootstrapServers}`);
        return log.client();
      },
      registry: () => localRegistry(),
    },
    topology: ({ tenant, settings: { suffix, times } }) =>
      topology('shout', b => {
        b.source('in', text).pipe(
          mapValues(value => `${tenant}: ${value}${suffix.repeat(times)}`),
          to('out', text),
        );
      }),
  };
  const configured = (yaml: string) => {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, yaml);
    return ['--config', file];
  };

  it('is wired as it is configured, until it is told to end', async () => {
    const ending = new AbortController();
    const args = configured('tenant: acme\nsuffix: "!"\ntimes: 3\nlogLevel: error\n');
    const running = pipeline(spec, { args, signal: ending.signal });
    const producer = await log.client().producer();
    await producer.send([{ topic: 'in', key: Buffer.from('k'), value: Buffer.from('hello') }]);
    await expect.poll(() => log.records('out').length).toBe(1);
    expect(log.records('out')[0]!.value!.toString()).toBe('acme: hello!!!');
    ending.abort();
    await running;
    expect(asked).toEqual(['shout at 127.0.0.1:9092']);
    const admin = await log.client().admin();
    expect(await admin.committed('acme.shout', ['in'])).toEqual([{ topic: 'in', partition: 0, offset: 1 }]);
  });

  it('refuses a setting that neither it nor every pipeline has', async () => {
    const { signal } = new AbortController();
    const args = configured('sufix: "!"\n');
    await expect(pipeline(spec, { args, signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('did you mean suffix?'),
    });
  });

  it('ends with what its streams end with', async () => {
    const { signal } = new AbortController();
    await (await log.client().admin()).deleteTopics(['in']);
    const args = configured('tenant: acme\nlogLevel: error\nstreamsListen: "off"\n');
    await expect(pipeline(spec, { args, signal })).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });
});
