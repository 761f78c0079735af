import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type MemoryLog, memoryLog } from '#kafka';
import { freePorts } from '#local';
import { jsonSerde, textSerde } from '#schemas';
import { count, keyValueStore, runStreams, serveStreams, topology } from '#streams';
import { applicationText, numbersText } from './application-text.ts';
import { type ApplicationStatus, applications } from './applications.ts';
import { askOverHttp, processFigures } from './process-figures.ts';

describe('applications', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  const setUp = async () => {
    const log = memoryLog();
    const client = log.client();
    const admin = await client.admin();
    await admin.createTopics(['words', 'dead'].map(topic => ({ topic, partitions: 2 })));
    const producer = await client.producer();
    const send = (count: number) =>
      producer.send(
        Array.from({ length: count }, (_, i) => ({
          ...{ topic: 'words', partition: i % 2, key: Buffer.from(`k${i}`), value: Buffer.from('x') },
        })),
      );
    return { log, client, send };
  };

  const startCounting = async (
    log: MemoryLog,
    { token, endpoint }: { token?: string; endpoint?: string } = {},
  ) => {
    const streams = runStreams({
      topology: topology('counting', b => {
        b.source('words', { key: textSerde, value: textSerde }).pipe(
          count({ store: keyValueStore({ name: 'counts', key: textSerde, value: jsonSerde<number>() }) }),
        );
      }),
      client: log.client(),
      applicationId: 'app',
      commitIntervalMs: 10,
      deadLetters: { topic: 'dead', value: jsonSerde<never>() },
    });
    if (endpoint) streams.advertise(endpoint);
    else {
      const server = await serveStreams(streams, { listen: '0', ...(token && { token }) });
      closing.push(() => server.close());
    }
    closing.push(() => streams.close());
    await streams.start();
    return streams;
  };

  it('are the groups that have topics or endpoints, with their lag and what their processes say', async () => {
    const { log, client, send } = await setUp();
    const other = log.client().consumer({ groupId: 'other', topics: ['words'], startFrom: 'latest' });
    await other.run({ async onBatch() {} });
    closing.push(() => other.close());
    const streams = await startCounting(log);
    await send(10);
    await expect
      .poll(async () => (await applications(client, askOverHttp(undefined)))[0]?.lag)
      .toEqual([{ topic: 'words', records: 0 }]);
    await expect.poll(() => streams.lag().length).toBe(2);
    const [app, ...none] = await applications(client, askOverHttp(undefined));
    expect(none).toEqual([]);
    expect(app).toMatchObject({
      ...{ application: 'app', state: 'Stable' },
      members: [
        {
          ...{ partitions: [0, 1], standbys: [], silence: null },
          process: { state: 'running', late: 0, dropped: 0, deadLetters: 0, lagRecords: 0, restoreLeft: 0 },
        },
      ],
    });
    expect(app!.members[0]!.process!.recordsPerSecond).toBeGreaterThan(0);
  });

  it('that do not run are told with what waits for them', async () => {
    const { log, client, send } = await setUp();
    const streams = await startCounting(log);
    await send(4);
    await expect.poll(() => streams.metrics().counters['records.in']).toBe(4);
    await streams.close();
    await send(6);
    expect(await applications(client, askOverHttp(undefined))).toEqual([
      { application: 'app', state: 'Empty', members: [], lag: [{ topic: 'words', records: 6 }] },
    ]);
  });

  it('whose processes do not answer are told with the reason', async () => {
    const { log, client } = await setUp();
    const silenceOf = async (token?: string) =>
      (await applications(client, askOverHttp(token))).flatMap(({ members }) =>
        members.map(({ process, silence }) => ({ process, silence })),
      );
    const [port] = await freePorts(1);
    const gone = await startCounting(log, { endpoint: `127.0.0.1:${port}` });
    expect(await silenceOf()).toEqual([{ process: null, silence: expect.stringContaining(`:${port}`) }]);
    await gone.close();
    const closed = await startCounting(log, { token: 'secret' });
    expect(await silenceOf()).toEqual([
      { process: null, silence: expect.stringContaining('--streams-token') },
    ]);
    expect(await silenceOf('secret')).toMatchObject([{ silence: null, process: { state: 'running' } }]);
    await closed.close();
    const stranger = await answering('{"state":"running"}');
    await startCounting(log, { endpoint: stranger });
    expect(await silenceOf()).toEqual([{ process: null, silence: expect.stringContaining('metrics') }]);
  });

  const answering = async (body: string): Promise<string> => {
    const server: Server = createServer((_, response) => void response.end(body));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise(resolve => server.close(resolve)));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
});

it('a process says its rate over the tasks it holds now', () => {
  const recent = (perSecond: number, averageMs: number) => ({ recent: { perSecond, averageMs, maxMs: 1 } });
  const figures = processFigures({
    state: 'running',
    metrics: {
      counters: {
        'records.late': 1,
        'records.dropped.a': 2,
        'records.dropped.b': 3,
        'records.dead-letters': 4,
      },
      commits: recent(10, 5),
      ...{ restarts: 6, tasks: ['0_0', '0_1'], lag: 7 },
      measured: [
        { taskId: '0_0', ...recent(300, 0.01) },
        { taskId: '0_1', ...recent(100, 0.05) },
        { taskId: '0_2', ...recent(999, 9) },
      ],
      restoring: [{ left: 8 }, { left: 1 }],
    },
  });
  expect(figures).toEqual({
    ...{ state: 'running', recordsPerSecond: 400, recordMs: expect.closeTo(0.02), commitMs: 5 },
    ...{ late: 1, dropped: 5, deadLetters: 4, restarts: 6, lagRecords: 7, restoreLeft: 9 },
  });
});

describe('applications for eyes', () => {
  it('are tables, and who was silent', async () => {
    const process = {
      ...{
        state: 'running',
        recordsPerSecond: 12_345.6,
        recordMs: 0.0123,
        commitMs: 4.56,
        late: 1,
        dropped: 2,
      },
      ...{ deadLetters: 3, restarts: 0, lagRecords: 17, restoreLeft: 900 },
    };
    const member = { clientId: 'enrich', host: '/127.0.0.1', partitions: [0, 1, 2, 5], standbys: [3] };
    const found: ApplicationStatus[] = [
      {
        application: 'demo.enrich',
        state: 'Stable',
        members: [
          { ...member, memberId: 'enrich-1', endpoint: '127.0.0.1:4711', process, silence: null },
          { ...member, memberId: 'enrich-2', endpoint: null, process: null, silence: 'it tells no endpoint' },
        ],
        lag: [
          { topic: 'demo.events.file.v1', records: 17 },
          { topic: 'demo.events.network.v1', records: 0 },
        ],
      },
      { application: 'demo.discovery', state: 'Empty', members: [], lag: [] },
    ];
    await expect(applicationText(found)).toMatchFileSnapshot('golden/applications.txt');
    expect(applicationText([])).toBe('no application has run here\n');
  });

  it('do not drive the terminal by what a member says', () => {
    const member = { clientId: 'c', host: 'h', partitions: [], standbys: [], process: null };
    const told = applicationText([
      {
        ...{ application: 'a', state: 'Stable', lag: [] },
        members: [{ ...member, memberId: 'm\u001b[2J', endpoint: '\u0007x:1', silence: 'no\u009b31m' }],
      },
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be absent
    expect(told).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it.each([
    [[], '-'],
    [[3], '3'],
    [[0, 1, 2, 4, 6, 7], '0-2,4,6-7'],
  ])('%j are written %s', (numbers, text) => {
    expect(numbersText(numbers)).toBe(text);
  });
});
