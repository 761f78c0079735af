import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '#kafka';
import { textSerde } from '#schemas';
import { Counters } from '../counters.ts';
import { byCatalogue, manualClock, to, topology } from '../index.ts';
import { Task } from '../task/task.ts';
import type { Ahead, Committer, Part } from './committer.ts';
import { Lane } from './lane.ts';

const text = { key: textSerde, value: textSerde };

/** A task that copies what it is given, and a lane whose writes end when they are told to. */
function setUp({ maxBufferedOutputs = 5_000 } = {}) {
  const { graph } = topology('copy', b => {
    b.source('in', text).pipe(to('out', text));
  });
  const clock = manualClock(1_000);
  const task = new Task(graph.subTopologies()[0]!, 0, {
    ...{ graph, applicationId: 'app', clock, counters: new Counters(), onFailure: byCatalogue },
    deadLetter: () => ({ topic: 'dead', key: null, value: null }),
    global: () => undefined as never,
  });
  task.start({ mark: null, committed: [], ends: {} });
  const writes: { what: string; count: number; onWritten(): void; end: PromiseWithResolvers<void> }[] = [];
  const begin = (what: string, count: number, onWritten = () => {}) => {
    const end = Promise.withResolvers<void>();
    writes.push({ what, count, onWritten, end });
    return end.promise;
  };
  const committer: Committer = {
    together: true,
    open: async () => {},
    sendAhead: (parts: readonly Ahead[]) => begin('ahead', parts[0]!.outputs.records.length),
    async commit([part]: readonly Part[], onWritten) {
      await begin('commit', part!.checkpoint.outputs.length, onWritten);
      part!.task.committed(part!.checkpoint);
    },
    close: async () => {},
  };
  const failures: unknown[] = [];
  let progress = 0;
  const lane = new Lane({
    ...{ tasks: [task], committer, clock, commitIntervalMs: 100, maxBufferedOutputs },
    onProgress: () => void progress++,
    onCommitted: () => {},
    onFailed: error => void failures.push(error),
  });
  let next = 0;
  const process = (count: number) => {
    const records = Array.from({ length: count }, (): LogRecord => {
      const offset = next++;
      const at = { topic: 'in', partition: 0, offset, timestampMs: 5, headers: {} };
      return { ...at, key: Buffer.from('k'), value: Buffer.from('v') };
    });
    task.enqueue('in', records);
    task.process(count);
    lane.advance();
  };
  return { clock, task, lane, writes, failures, process, progress: () => progress };
}

describe('a lane', () => {
  it('takes the next checkpoint only when the one before is committed, however long that takes', async () => {
    const { clock, lane, writes, process } = setUp();
    process(10);
    clock.advance(100);
    lane.advance();
    clock.advance(10_000);
    process(5);
    lane.advance();
    await nextTurn();
    expect(writes.map(({ what, count }) => [what, count])).toEqual([['commit', 10]]);
    writes[0]!.end.resolve();
    await nextTurn();
    lane.advance();
    await nextTurn();
    expect(writes.map(({ what, count }) => [what, count])).toEqual([
      ['commit', 10],
      ['commit', 5],
    ]);
  });

  it('sends many outputs ahead, one send at a time, and the rest of the checkpoint after them', async () => {
    const { clock, writes, process } = setUp();
    process(1_500);
    process(2_000);
    clock.advance(100);
    process(1);
    await nextTurn();
    expect(writes.map(({ what, count }) => [what, count])).toEqual([['ahead', 1_500]]);
    writes[0]!.end.resolve();
    await nextTurn();
    expect(writes.map(({ what, count }) => [what, count])).toEqual([
      ['ahead', 1_500],
      ['commit', 2_001],
    ]);
  });

  it('sends outputs of the next checkpoint when those of the one under way are written, not before', async () => {
    const { clock, lane, writes, process } = setUp();
    clock.advance(100);
    process(1);
    await nextTurn();
    process(2_000);
    await nextTurn();
    expect(writes.map(({ what }) => what)).toEqual(['commit']);
    writes[0]!.onWritten();
    lane.advance();
    expect(writes.map(({ what }) => what)).toEqual(['commit', 'ahead']);
  });

  it('is full while more outputs wait than may', async () => {
    const { lane, writes, process, progress } = setUp({ maxBufferedOutputs: 20 });
    process(20);
    expect(lane.isFull).toBe(false);
    process(20);
    expect(lane.isFull).toBe(true);
    writes[0]!.end.resolve();
    await nextTurn();
    expect(progress()).toBe(1);
    lane.advance();
    expect(lane.isFull).toBe(false);
  });

  it('takes nothing after a failure, tells of it once, and never calls it finished', async () => {
    const { clock, lane, writes, failures, process } = setUp();
    clock.advance(100);
    process(3);
    await nextTurn();
    writes[0]!.end.reject(new Error('away'));
    await nextTurn();
    expect(failures).toEqual([new Error('away')]);
    clock.advance(1_000);
    process(2_000);
    await nextTurn();
    expect(writes.length).toBe(1);
    expect(lane.isFull).toBe(true);
    await expect(lane.finish()).rejects.toThrow('away');
  });

  it('finishes with a last checkpoint after what is under way', async () => {
    const { clock, lane, writes, failures, process } = setUp();
    clock.advance(100);
    process(3);
    await nextTurn();
    process(2);
    let finished = false;
    const finishing = lane.finish().then(() => {
      finished = true;
    });
    await nextTurn();
    expect(writes.map(({ count }) => count)).toEqual([3]);
    writes[0]!.end.resolve();
    await nextTurn();
    expect(writes.map(({ count }) => count)).toEqual([3, 2]);
    expect(finished).toBe(false);
    writes[1]!.end.resolve();
    await finishing;
    expect(failures).toEqual([]);
  });

  it('given up, has come to rest when nothing is under way any more', async () => {
    const { clock, lane, writes, process } = setUp();
    clock.advance(100);
    process(3);
    await nextTurn();
    let atRest = false;
    const giving = lane.abandon().then(() => {
      atRest = true;
    });
    await nextTurn();
    expect(atRest).toBe(false);
    writes[0]!.end.reject(new Error('away'));
    await giving;
    process(2_000);
    expect(writes.length).toBe(1);
  });
});
