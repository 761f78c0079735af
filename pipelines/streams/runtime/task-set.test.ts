import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { memoryLog } from '#kafka';
import { jsonSerde, type Serde, textSerde } from '#schemas';
import { Counters } from '../counters.ts';
import { byCatalogue, count, keyValueStore, manualClock, to, topology } from '../index.ts';
import { planOf } from '../task/plan.ts';
import { exactlyOnce } from './exactly-once.ts';
import { prepareTopics } from './internal-topics.ts';
import type { Lane } from './lane.ts';
import { RefusedOutputs } from './refused-outputs.ts';
import { TaskSet } from './task-set.ts';

/** An application on a log, and members of it whose assignments are made by hand. */
async function setUp({ countBytes = 1 } = {}) {
  const value: Serde<number> = {
    serialize: count => Buffer.from(`${count}`.padStart(countBytes)),
    deserialize: Number,
  };
  const clock = manualClock(1_000);
  const log = memoryLog({ now: () => clock.now() });
  const admin = await log.client().admin();
  await admin.createTopics(['words', 'totals', 'dead'].map(topic => ({ topic, partitions: 1 })));
  const { graph } = topology('counting', b => {
    b.source('words', { key: textSerde, value: textSerde }).pipe(
      count({ store: keyValueStore({ name: 'counts', key: textSerde, value }) }),
      to('totals', { key: textSerde, value: jsonSerde<number>() }),
    );
  });
  await prepareTopics(admin, graph, 'app');
  const producer = await log.client().producer();
  const member = (isStale = () => false) => {
    const client = log.client();
    const counters = new Counters();
    const deadLetters = { topic: 'dead', value: jsonSerde<never>() };
    const refused = new RefusedOutputs({
      applicationId: 'app',
      onFailure: byCatalogue,
      deadLetters,
      counters,
    });
    const onNothing = () => {};
    let lanes: readonly Lane[] = [];
    const tasks = new TaskSet({
      ...{ client, admin, clock, plan: planOf(graph, 'app', () => 1), standbyIntervalMs: 100 },
      environment: {
        ...{ graph, applicationId: 'app', clock, counters, onFailure: byCatalogue },
        deadLetter: () => ({ topic: 'dead', key: null, value: null }),
        global: () => undefined as never,
      },
      committer: exactlyOnce({ client, applicationId: 'app', refused }),
      lane: {
        ...{ commitIntervalMs: 100, maxBufferedOutputs: 100 },
        ...{ onProgress: onNothing, onCommitted: onNothing, onFailed: onNothing },
      },
      logger: { warn: onNothing, error: onNothing },
      take: taken => {
        lanes = taken;
      },
      prepare: () => undefined,
    });
    const words = [{ topic: 'words', partition: 0 }];
    return {
      counters,
      assign: (isOver = false) =>
        tasks.assign(words, { standbys: [] }, { isStale: () => isOver || isStale() }),
      revoke: () => tasks.revoke(),
      tasks,
      /** Processes all there is after what was committed. */
      async work() {
        const task = tasks.find(words[0]!)!;
        const [at] = await admin.committed('app', ['words']);
        const records = log.records('words').slice(Math.max(0, at?.offset ?? 0));
        task.enqueue('words', records);
        task.process(1_000);
        clock.advance(100);
        for (const lane of lanes) lane.advance();
        for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      },
    };
  };
  const send = (...words: string[]) =>
    producer.send(words.map(key => ({ topic: 'words', key: Buffer.from(key), value: Buffer.from('x') })));
  const totals = () => log.records('totals').map(({ key, value }) => `${key}=${value}`);
  return { admin, send, member, totals };
}

describe('the tasks of a member', () => {
  it('go on as they are when nobody processed while they were away', async () => {
    const { send, member, totals } = await setUp();
    const one = member();
    await one.assign();
    await send('a', 'a');
    await one.work();
    const [before] = one.tasks.tasks;
    await one.revoke();
    expect(one.tasks.warm).toEqual([0]);
    // Given to another, which has nothing to do.
    const other = member();
    await other.assign();
    await other.revoke();
    await one.assign();
    expect(one.tasks.tasks).toEqual([before]);
    expect(one.counters.get('restore.records')).toBe(0);
    await send('a');
    await one.work();
    expect(totals()).toEqual(['a=1', 'a=2', 'a=3']);
  });

  it('are restored when another processed in between', async () => {
    const { send, member, totals } = await setUp();
    const one = member();
    await one.assign();
    await send('a', 'a');
    await one.work();
    await one.revoke();
    const other = member();
    await other.assign();
    await send('a');
    await other.work();
    await other.revoke();
    await one.assign();
    expect(one.counters.get('restore.records')).toBeGreaterThan(0);
    await send('a');
    await one.work();
    expect(totals()).toEqual(['a=1', 'a=2', 'a=3', 'a=4']);
  });

  it('are not begun by an assignment that is over before they are restored, and serve the next one', async () => {
    const { send, member, totals } = await setUp();
    const one = member();
    await one.assign();
    await send('a');
    await one.work();
    const other = member();
    await other.assign(true);
    expect(other.tasks.tasks).toEqual([]);
    expect(other.tasks.warm).toEqual([0]);
    const restored = other.counters.get('restore.records');
    await other.assign();
    expect(other.counters.get('restore.records')).toBe(restored);
    await send('a');
    await other.work();
    expect(totals()).toEqual(['a=1', 'a=2']);
  });

  it('are restored no further when the assignment is over, and from there on by the next one', async () => {
    // Read in several batches.
    const { send, member, totals } = await setUp({ countBytes: 300_000 });
    const one = member();
    await one.assign();
    const words = Array.from({ length: 12 }, (_, index) => `word-${index}`);
    await send(...words);
    await one.work();
    let batches = 0;
    const other = member(() => batches++ > 0);
    await other.assign();
    const before = other.counters.get('restore.records');
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(12);
    expect(other.tasks.tasks).toEqual([]);
    batches = Number.NEGATIVE_INFINITY;
    await other.assign();
    expect(other.counters.get('restore.records')).toBe(12);
    await send(words[0]!, words[11]!);
    await other.work();
    expect(
      totals()
        .slice(-2)
        .map(text => text.slice(-2)),
    ).toEqual(['=2', '=2']);
  });

  it('are away, and not kept, when their last checkpoint failed', async () => {
    const { send, member, totals } = await setUp();
    const one = member();
    await one.assign();
    await send('a');
    await one.work();
    // Fenced: another has the id by now.
    const other = member();
    await other.assign();
    await send('a');
    await one.work();
    await one.revoke();
    expect(one.tasks.warm).toEqual([]);
    await other.work();
    expect(totals()).toEqual(['a=1', 'a=2']);
  });
});
