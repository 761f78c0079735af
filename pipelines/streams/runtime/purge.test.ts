import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import type { TopicPartitionOffset } from '#kafka';
import { manualClock } from '../index.ts';
import { Purge } from './purge.ts';

const at = (topic: string, offset: number) => ({ topic, partition: 0, offset });

describe('the purge of repartition topics', () => {
  const setUp = (fails: () => boolean = () => false) => {
    const clock = manualClock();
    const rounds: (readonly TopicPartitionOffset[])[] = [];
    const warnings: string[] = [];
    const purge = new Purge({
      ...{ clock, intervalMs: 1_000, topics: new Set(['app-x-repartition']) },
      admin: {
        async deleteRecords(before) {
          if (fails()) throw new SluiceError('BROKER_UNREACHABLE', 'away');
          rounds.push(before);
        },
      },
      logger: { warn: (_, message) => void warnings.push(message), error() {} },
    });
    return { clock, rounds, warnings, purge };
  };

  it('goes up to the last committed offset, of its topics only, once an interval', () => {
    const { clock, rounds, purge } = setUp();
    purge.note([at('app-x-repartition', 3), at('in', 9)]);
    purge.advance();
    expect(rounds).toEqual([]);
    clock.advance(1_000);
    purge.note([at('app-x-repartition', 5)]);
    purge.advance();
    purge.advance();
    expect(rounds).toEqual([[at('app-x-repartition', 5)]]);
  });

  it('asks for nothing when nothing was committed since', async () => {
    const { clock, rounds, purge } = setUp();
    purge.note([at('app-x-repartition', 3)]);
    clock.advance(1_000);
    purge.advance();
    await nextTurn();
    clock.advance(1_000);
    purge.advance();
    expect(rounds.length).toBe(1);
  });

  it('says that it failed, and goes on with the next commit', async () => {
    let failing = true;
    const { clock, rounds, warnings, purge } = setUp(() => failing);
    purge.note([at('app-x-repartition', 3)]);
    clock.advance(1_000);
    purge.advance();
    await purge.settled();
    expect(warnings).toEqual([expect.stringContaining('were not deleted this time: away')]);
    failing = false;
    purge.note([at('app-x-repartition', 4)]);
    clock.advance(1_000);
    purge.advance();
    expect(rounds).toEqual([[at('app-x-repartition', 4)]]);
  });
});
