import { beforeAll, describe, expect, it } from 'vitest';
import { ours, worseColumns } from './goals.ts';
import { measure, type Run } from './measure.ts';

/** One application, a day of learning, few activities: `make bench-discovery` in small. */
describe('policies learned in a day', { timeout: 60_000 }, () => {
  let run: Run;

  beforeAll(() => {
    run = measure({
      ...{ seed: 7, applications: ['bookinfo'], perDay: 600, until: '1d', attacks: 160 },
      progress: () => {},
    });
  }, 60_000);

  const mine = (window: '1m' | '10m' | '1h' | '1d') => run.systems[ours]!.windows[window]!;

  it('admit what is meant, of what did not occur by then only what occurs seldom', () => {
    expect(mine('1d').coverage).toBeGreaterThan(0.97);
    expect(mine('1d').distinctCoverage).toBeGreaterThan(0.9);
    expect(mine('1h').coverage).toBeGreaterThan(mine('1m').coverage);
  });

  it('admit nothing that is not meant, and let no attack pass', () => {
    expect(mine('1d').precision).toBe(1);
    expect(mine('1d').overPermission).toBeLessThanOrEqual(1);
    expect(mine('1d').attacksBlocked).toBe(1);
    expect(mine('1d').unmeantReach).toBe(0);
  });

  it('are the same bytes whatever order events come in, and how often', () => {
    expect(run.systems[ours]!.isDeterministic).toBe(true);
  });

  it('come to rest: fewer rules change an hour, and fewer of the next events are expected to be new', () => {
    expect(mine('1d').editsPerHour).toBeLessThan(mine('1h').editsPerHour!);
    expect(mine('1d').unseenMass).toBeLessThan(mine('1h').unseenMass!);
  });

  it('are no worse than any peer’s in any column', () => {
    expect(worseColumns(run, '1d', '1h')).toEqual([]);
  });
});
