import { expect, test } from 'vitest';
import type { LogAdmin } from '#kafka';
import { totalOf, watchCommits } from './commits.ts';

/** Says one answer after the other, the last for ever. */
function admin(answers: readonly (readonly number[])[]) {
  let asked = 0;
  const committed = async () => {
    const offsets = answers[Math.min(asked, answers.length - 1)]!;
    asked += 1;
    return offsets.map((offset, partition) => ({ topic: 'in', partition, offset }));
  };
  return { committed } as unknown as LogAdmin;
}

const watch = { groupId: 'app', topic: 'in', partitions: 2, records: 10, requireAlive: () => {} };

test('ends when all partitions together are committed', async () => {
  const { offsets } = await watchCommits(admin([[], [3], [3, 4], [6, 4]]), {
    ...watch,
    untilMs: Date.now() + 10_000,
  });
  expect(offsets).toEqual([6, 4]);
  expect(totalOf(offsets)).toBe(10);
});

test('what stays behind is dated when it last got on, not when the time was up', async () => {
  const startMs = Date.now();
  const { offsets, atMs } = await watchCommits(
    admin([
      [0, 0],
      [3, 4],
    ]),
    { ...watch, untilMs: startMs + 300 },
  );
  expect(offsets).toEqual([3, 4]);
  expect(atMs).toBeLessThan(startMs + 200);
  expect(Date.now()).toBeGreaterThan(startMs + 299);
});

test('one that commits nothing, or ends, is an error', async () => {
  await expect(watchCommits(admin([[]]), { ...watch, untilMs: Date.now() + 50 })).rejects.toMatchObject({
    code: 'TIMEOUT',
  });
  const requireAlive = () => {
    throw new Error('it ended');
  };
  const options = { ...watch, requireAlive, untilMs: Date.now() + 10_000 };
  await expect(watchCommits(admin([[1]]), options)).rejects.toThrow('it ended');
});
