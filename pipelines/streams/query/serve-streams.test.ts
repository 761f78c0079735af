import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { memoryLog, partitionOf } from '#kafka';
import { jsonSerde } from '#schemas';
import { type DeadLetter, type KeyValueStore, runStreams, serveStreams } from '../index.ts';
import {
  ask,
  type Body,
  closing,
  keys,
  pages,
  partitions,
  settled,
  setUp,
  shared,
  words,
} from './query-bench.ts';

describe('an application that is asked', () => {
  it('answers for a key: its value, its time, and where they come from', async () => {
    const { send, start } = await setUp();
    const { streams, server } = await start();
    await send([
      ['a b/ü', 'x'],
      ['a b/ü', 'y'],
    ]);
    await settled([streams], 2);
    const partition = partitionOf(Buffer.from('a b/ü'), partitions);
    const answer = await ask(server, `/stores/counts/keys/${encodeURIComponent('a b/ü')}`);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      ...{ store: 'counts', key: 'a b/ü', value: 2, timestampMs: 2_000 },
      ...{ partition, task: `0_${partition}`, role: 'active', lagRecords: 0 },
    });
    const encoded = Buffer.from('a b/ü').toString('base64url');
    expect((await ask(server, `/stores/counts/keys/${encoded}?encoding=base64url`)).body).toEqual(
      answer.body,
    );
  });

  it('answers for every key through every member, and says which has it', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send(keys.map(key => [key, 'x']));
    await settled([one.streams, two.streams], keys.length);
    for (const { server } of [one, two]) {
      for (const key of keys) {
        const { status, body } = await ask(server, `/stores/counts/keys/${key}`);
        expect({ status, key: body.key, value: body.value, role: body.role }).toEqual({
          ...{ status: 200, key, value: 1, role: 'active' },
        });
      }
    }
    const held = [one, two].map(({ streams }) => streams.metrics().tasks.length);
    expect(held).toEqual([2, 2]);
  });

  it('answers for a whole store in the order of its keys, over all members, in pages', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send(keys.map(key => [key, 'x']));
    await settled([one.streams, two.streams], keys.length);
    for (const { server } of [one, two]) {
      const whole = await ask(server, '/stores/counts');
      expect((whole.body.entries as Body[]).map(({ key }) => key)).toEqual(keys);
      expect(whole.body).toMatchObject({ next: null });
      expect((whole.body.places as Body[]).map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
      const page = await ask(server, '/stores/counts?from=key-03&to=key-18&limit=5');
      expect((page.body.entries as Body[]).map(({ key }) => key)).toEqual(keys.slice(3, 8));
      expect((await ask(server, '/stores/counts?from=key-15&limit=5')).body).toMatchObject({ next: null });
      for (const limit of [1, 3, 7, 20]) {
        const paged = await pages(server, `/stores/counts?from=key-03&to=key-18&limit=${limit}`);
        expect(paged.map(({ key }) => key)).toEqual(keys.slice(3, 18));
      }
    }
  });

  it('answers for the times of a key, and for a span of all keys', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send([
      ['a', 'first'],
      ['b', 'second'],
      ['a', 'third'],
      ['c', 'fourth'],
    ]);
    await settled([one.streams, two.streams], 4);
    for (const { server } of [one, two]) {
      const times = await ask(server, '/stores/seen/windows/a');
      expect(times.body).toMatchObject({
        entries: [
          { timeMs: 1_000, value: 'first', timestampMs: 1_000 },
          { timeMs: 3_000, value: 'third', timestampMs: 3_000 },
        ],
        nextMs: null,
      });
      expect((await ask(server, '/stores/seen/windows/a?limit=1')).body).toMatchObject({ nextMs: 3_000 });
      expect((await ask(server, '/stores/seen/windows/a?from=1001&to=2999')).status).toBe(404);
      const span = await ask(server, '/stores/seen/windows?from=2000');
      expect((span.body.entries as Body[]).map(({ key, timeMs }) => [key, timeMs])).toEqual([
        ['b', 2_000],
        ['a', 3_000],
        ['c', 4_000],
      ]);
      const paged = await pages(server, '/stores/seen/windows?limit=1');
      expect(paged.map(({ value }) => value)).toEqual(['first', 'second', 'third', 'fourth']);
    }
  });

  it('answers for entries of one time page by page, too', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send(
      keys.map(key => [key, 'x'] as const),
      5_000,
    );
    await settled([one.streams, two.streams], keys.length);
    for (const limit of [1, 4]) {
      const paged = await pages(one.server, `/stores/seen/windows?limit=${limit}`);
      expect(paged.map(({ key }) => key)).toEqual(keys);
    }
  });

  it('finds what a step by hand put under a key of its own choice', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    const value = 'rare';
    await send([['a', value]]);
    await settled([one.streams, two.streams], 1);
    for (const { server } of [one, two]) {
      const found = await ask(server, `/stores/by-value/keys/${encodeURIComponent('{ "word": "rare" }')}`);
      expect(found.body).toMatchObject({ key: { word: value }, value: 1 });
      const none = await ask(server, `/stores/by-value/keys/${encodeURIComponent('{"word":"none"}')}`);
      expect(none).toMatchObject({ status: 404, body: { store: 'by-value', key: { word: 'none' } } });
    }
  });

  it('passes no question on that came from a member, or that is to be answered here', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send(keys.map(key => [key, 'x']));
    await settled([one.streams, two.streams], keys.length);
    const mine = two.streams.group()!.me.partitions;
    const key = keys.find(each => mine.includes(partitionOf(Buffer.from(each), partitions)))!;
    const path = `/stores/counts/keys/${key}`;
    const where = { partition: partitionOf(Buffer.from(key), partitions), endpoint: two.server.endpoint };
    expect(await ask(one.server, `${path}?local`)).toMatchObject({ status: 421, body: where });
    expect(await ask(one.server, path, { headers: { 'x-sluice-hop': '1' } })).toMatchObject({ status: 421 });
    expect(await ask(two.server, `${path}?local`)).toMatchObject({ status: 200 });
    expect(await ask(one.server, '/stores/counts?local')).toMatchObject({ status: 421 });
  });

  it('says to come again when the holder of a partition does not answer', async () => {
    const { send, start } = await setUp();
    const [one, two] = [await start(), await start()];
    await shared([one.streams, two.streams]);
    await send(keys.map(key => [key, 'x']));
    await settled([one.streams, two.streams], keys.length);
    await two.server.close();
    const gone = await ask(one.server, '/stores/counts');
    expect(gone.status).toBe(503);
    expect(gone.headers.get('retry-after')).toBe('1');
    expect(gone.body.error).toContain(two.server.endpoint);
  });

  it('does not hold up processing to put many keys in order', async () => {
    const { send, start } = await setUp();
    const { streams, server } = await start();
    const many = 100_001;
    const partition = partitionOf(Buffer.from('0'), partitions);
    await send([['0', 'x']]);
    await settled([streams], 1);
    const store = streams.store('counts', partition) as KeyValueStore<string, number>;
    for (let i = 1; i < many; i += 1) store.put(`${i}`, 1);
    expect(await ask(server, '/stores/counts')).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/counts has 100001 keys in memory.*engine: 'disk'/) },
    });
    expect((await ask(server, '/stores/counts/keys/0')).body).toMatchObject({ value: 1 });
  });

  it.each([
    ['/stores/none/keys/a', 404, { stores: ['by-value', 'counts', 'seen'] }],
    ['/stores/none', 404, {}],
    ['/nowhere', 404, {}],
    ['/stores/counts/keys/none', 404, { store: 'counts', key: 'none' }],
    ['/stores/counts?limit=0', 400, { error: expect.stringMatching(/^limit: /) }],
    ['/stores/counts?limit=1e3', 400, { error: expect.stringMatching(/^limit: /) }],
    ['/stores/counts?limit=2&limit=3', 400, { error: expect.stringMatching(/^limit: given twice/) }],
    ['/stores/counts?form=a', 400, { error: expect.stringMatching(/^form: .*from/) }],
    ['/stores/counts?partitions=9', 400, { error: expect.stringMatching(/^partitions: /) }],
    ['/stores/counts?partitions=x', 400, { error: expect.stringMatching(/^partitions: /) }],
    ['/stores/counts?stale=yes', 400, { error: expect.stringMatching(/^stale: /) }],
    ['/stores/counts/keys/a=?encoding=base64url', 400, { error: expect.stringMatching(/^key: /) }],
    ['/stores/counts/keys/%ff', 400, { error: expect.stringContaining('%ff') }],
    ['/stores/by-value/keys/{', 400, { error: expect.stringMatching(/^key: .*by-value/) }],
    ['/stores/counts/windows/a', 400, { error: expect.stringContaining('/stores/counts/keys/') }],
    ['/stores/seen/keys/a', 400, { error: expect.stringContaining('/stores/seen/windows/') }],
    ['/stores/seen/windows/a?from=-1', 400, { error: expect.stringMatching(/^from: /) }],
    ['/stores/seen/windows?next=x!', 400, { error: expect.stringMatching(/^next: /) }],
    ['/stores/counts?next=x!', 400, { error: expect.stringMatching(/^next: /) }],
    ['/topology?format=png', 400, { error: expect.stringMatching(/^format: .*mermaid/) }],
  ])('refuses %s and says why', async (path, status, body) => {
    const { start } = await setUp();
    const { server } = await start();
    expect(await ask(server, path)).toMatchObject({ status, body });
  });

  it('says how it is, what it is made of, and who is in the group', async () => {
    const { start } = await setUp();
    const { streams, server } = await start();
    expect(await ask(server, '/health')).toMatchObject({ status: 200, body: { state: 'running' } });
    const picture = await fetch(`http://${server.endpoint}/topology`);
    expect(await picture.text()).toBe(words().describe());
    const drawn = await fetch(`http://${server.endpoint}/topology?format=mermaid`);
    expect(await drawn.text()).toBe(words().mermaid());
    expect((await ask(server, '/group')).body).toMatchObject({
      application: 'app',
      group: { me: { endpoint: server.endpoint, partitions: [0, 1, 2, 3] } },
    });
    expect((await ask(server, '/stores')).body.stores).toMatchObject([
      { name: 'by-value', kind: 'key-value' },
      { name: 'counts', kind: 'key-value', changelog: true },
      { name: 'seen', kind: 'timeline' },
    ]);
    expect(await ask(server, '/health', { method: 'POST' })).toMatchObject({ status: 405 });
    await streams.close();
    expect(await ask(server, '/health')).toMatchObject({ status: 503, body: { state: 'closed' } });
  });

  it('answers before the start that it has not started', async () => {
    const log = memoryLog();
    const streams = runStreams({
      topology: words(),
      client: log.client(),
      applicationId: 'app',
      deadLetters: { topic: 'dead', value: jsonSerde<DeadLetter>() },
    });
    const server = await serveStreams(streams, { listen: '0' });
    closing.push(() => server.close());
    expect(await ask(server, '/health')).toMatchObject({ status: 503, body: { state: 'created' } });
    expect(await ask(server, '/stores/counts/keys/a')).toMatchObject({ status: 503 });
    expect(await ask(server, '/metrics?format=json')).toMatchObject({
      status: 200,
      body: { state: 'created' },
    });
  });

  it('publishes its metrics', async () => {
    const { send, start } = await setUp();
    const { streams, server } = await start();
    await send(keys.map(key => [key, 'x']));
    await settled([streams], keys.length);
    await expect.poll(() => streams.metrics().commits.count).toBeGreaterThan(0);
    await sleep(30);
    const response = await fetch(`http://${server.endpoint}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const published = await response.text();
    expect(published).toMatch(/^sluice_streams_records_in_total\{application="app"\} 20$/m);
    expect(published).toMatch(/^sluice_streams_state\{state="running",application="app"\} 1$/m);
    expect(published).toMatch(/^process_resident_memory_bytes\{application="app"\} \d+$/m);
  });
});
