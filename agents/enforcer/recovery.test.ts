import { describe, expect, it } from 'vitest';
import { memoryLog } from '#kafka';
import { localSerdes, topicName, topicSpecs, withDefaults } from '#schemas';
import { Books } from './books.ts';
import { healthRecord, settledOf } from './health.ts';
import { recover } from './recovery.ts';

const serdes = localSerdes();
const me = { cluster: 'c1', node: 'n1', bootId: 'boot-1' };
const agent = 'enforcer/c1/n1';

function event(sequence: number, over: Partial<typeof me & { agent: string }> = {}) {
  return serdes.of('events.file.v1').serialize(
    withDefaults('FileEvent', {
      origin: { ...me, agent: 'enforcer', sequence, ...over },
      time: sequence * 1000,
      container: withDefaults('Container', { id: 'x' }),
      file: withDefaults('FileAccess', { operation: 'OPEN', path: '/x' }),
    }),
  );
}

function alert(sequence: number) {
  return serdes.of('alerts.v1').serialize(
    withDefaults('Alert', {
      origin: { ...me, agent: 'enforcer', sequence },
      time: sequence * 1000,
      container: withDefaults('Container', { id: 'x' }),
      verdict: 'DENY',
      rule: { policyId: 'p', ruleId: 'file/default', generation: 1 },
    }),
  );
}

async function topics() {
  const client = memoryLog().client();
  await (await client.admin()).createTopics(topicSpecs('default'));
  const producer = await client.producer();
  const put = (name: Parameters<typeof topicName>[1], value: Buffer, timestampMs: number, key = 'k') =>
    producer.send([{ topic: topicName('default', name), key: Buffer.from(key), value, timestampMs }]);
  const run = (kernel = { adopted: true, sequence: 20 }) =>
    recover({ client, serdes, tenant: 'default', agent, ...me, bootedAtMs: 0, ...kernel });
  return { put, run };
}

function statementOf(deliveredNumbers: readonly number[], emitted: number) {
  const books = new Books({ reorderMs: 0 });
  books.session({ emitted: 0, ringFull: 0 });
  books.resume({ settledSequence: 0, dropped: {}, deliveredAfter: deliveredNumbers }, 0);
  books.count({ emitted, ringFull: 1 }, { drained: true, nowMs: 1 });
  return books.statement(0);
}

describe('recovery', () => {
  it('starts at nothing on a boot of which nothing is known', async () => {
    const { run } = await topics();
    const { runId, resume } = await run();
    expect(runId).toBe('boot-1');
    expect(resume).toMatchObject({ settledSequence: 0, dropped: {} });
    expect([...resume.deliveredAfter]).toEqual([]);
  });

  it('takes up the last statement and finds what was delivered after it, on whichever topic', async () => {
    const { put, run } = await topics();
    const health = (at: number, bootId: string, emitted: number) =>
      serdes.of('agents.health.v1').serialize(
        healthRecord({
          agent,
          cluster: 'c1',
          node: 'n1',
          version: '1',
          bootId,
          atMs: at,
          openSinceMs: 4,
          statement: statementOf([1, 2, 3, 5], emitted),
          counters: {},
        }),
      );
    await put('agents.health.v1', health(10, 'boot-1', 5), 10, agent);
    await put('agents.health.v1', health(11, 'boot-0', 90), 11, agent);
    for (const n of [3, 5, 6, 7, 11]) await put('events.file.v1', event(n), n, `k${n}`);
    await put('alerts.v1', alert(9), 9);
    await put('events.file.v1', event(8, { bootId: 'boot-0' }), 8);
    await put('events.file.v1', event(8, { node: 'n2' }), 8);
    await put('events.file.v1', event(8, { agent: 'feeder/hubble' }), 8);
    await put('events.file.v1', Buffer.from('garbage'), 8);
    const { runId, resume } = await run();
    expect(runId).toBe('boot-1');
    expect(resume).toMatchObject({ settledSequence: 5, dropped: { 'ring-full': 1 } });
    expect([...resume.deliveredAfter]).toEqual([6, 7, 9, 11]);
  });

  it('starts another run, under another id, when the numbers began anew within the boot', async () => {
    const { put, run } = await topics();
    const health = (runId: string) =>
      serdes.of('agents.health.v1').serialize(
        healthRecord({
          agent,
          ...me,
          bootId: runId,
          version: '1',
          atMs: 10,
          openSinceMs: 4,
          statement: statementOf([1, 2, 4], 4),
          counters: {},
        }),
      );
    await put('agents.health.v1', health('boot-1'), 10, agent);
    expect((await run({ adopted: false, sequence: 0 })).runId).toBe('boot-1.2');
    expect((await run({ adopted: true, sequence: 3 })).runId).toBe('boot-1.2');
    await put('agents.health.v1', health('boot-1.2'), 11, agent);
    expect((await run({ adopted: true, sequence: 4 })).runId).toBe('boot-1.2');
    const { runId, resume } = await run({ adopted: false, sequence: 0 });
    expect(runId).toBe('boot-1.3');
    expect(resume.settledSequence).toBe(0);
  });
});

describe('a health record', () => {
  it('gives back the point it was written with', () => {
    const record = healthRecord({
      agent,
      ...me,
      version: '1',
      atMs: 10,
      openSinceMs: 4,
      statement: statementOf([1, 2, 4], 4),
      counters: { alerts: 2 },
    });
    expect(record).toMatchObject({
      at: 10_000,
      emitted: 4,
      delivered: 3,
      spooled: 0,
      dropped: { 'ring-full': 1 },
    });
    expect(record.counters.alerts).toBe(2);
    expect(settledOf(record)).toEqual({ sequence: 4, openSinceMs: 4, dropped: { 'ring-full': 1 } });
    expect(settledOf({ ...record, counters: {} })).toBeUndefined();
  });
});
