import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, withDefaults } from '#schemas';
import { nextVersion, StandingPolicies, successionOf } from './succession.ts';

const version = (generation: number, digest: string, stage: Policy['stage'] = 'CANDIDATE') =>
  withDefaults('Policy', {
    ...{ policyId: 'p', generation, digest, stage, documents: [] },
    target: withDefaults('PolicyTarget', { cluster: 'c' }),
  });

describe('the succession of versions', () => {
  it('takes the first record of a generation, whoever writes the second', () => {
    const promoted = version(2, 'sha256:a', 'ENFORCE');
    expect(successionOf(undefined, promoted)).toBe('next');
    expect(successionOf(version(1, 'sha256:a'), promoted)).toBe('next');
    expect(successionOf(promoted, version(2, 'sha256:b'))).toBe('void');
    expect(successionOf(promoted, version(1, 'sha256:a'))).toBe('void');
    const toldOtherwise: Policy = { ...promoted, losses: ['told by another writer'] };
    expect(successionOf(promoted, toldOtherwise)).toBe('repeat');
  });

  it('is settled by the version that stands, written again', () => {
    const standing = new StandingPolicies();
    const first = version(2, 'sha256:a', 'ENFORCE');
    for (const value of [version(1, 'sha256:a'), first, version(2, 'sha256:b')])
      standing.apply({ key: 'p', value });
    expect(standing.get('p')).toEqual(first);
    expect([...standing.unsettled()]).toEqual(['p']);
    const settled = nextVersion(first);
    expect(settled).toMatchObject({
      generation: 3,
      prevDigest: 'sha256:a',
      digest: 'sha256:a',
      stage: 'ENFORCE',
    });
    standing.apply({ key: 'p', value: settled });
    standing.apply({ key: 'p', value: settled });
    expect(standing.get('p')?.generation).toBe(3);
    expect(standing.unsettled().size).toBe(0);
  });

  it('ends with a tombstone, and may begin again', () => {
    const standing = new StandingPolicies();
    standing.apply({ key: 'p', value: version(5, 'sha256:a') });
    standing.apply({ key: 'p', value: null });
    expect(standing.all()).toEqual([]);
    standing.apply({ key: 'p', value: version(1, 'sha256:a') });
    expect(standing.get('p')?.generation).toBe(1);
  });

  it('leaves one version, the same to all readers, whichever writers race and settle', () => {
    const writes = fc.array(fc.record({ seen: fc.nat(3), digest: fc.constantFrom('a', 'b', 'c') }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(writes, fc.nat(12), (given, start) => {
        const log: Policy[] = [];
        const live = new StandingPolicies();
        const write = (value: Policy) => {
          log.push(value);
          live.apply({ key: 'p', value });
        };
        for (const { seen, digest } of given) {
          // A writer is up to three records behind.
          const known = new StandingPolicies();
          for (const value of log.slice(0, Math.max(0, log.length - seen))) known.apply({ key: 'p', value });
          const last = known.get('p');
          write(last ? nextVersion(last, { digest }) : version(1, digest));
        }
        const unsettled = live.unsettled().has('p');
        const expected = live.get('p')!.digest;
        if (unsettled) write(nextVersion(live.get('p')!));
        expect(live.unsettled().size).toBe(0);
        // Compaction may have taken any number of earlier records.
        const late = new StandingPolicies();
        for (const value of log.slice(Math.min(start, log.length - 1))) late.apply({ key: 'p', value });
        expect(late.get('p')).toMatchObject({ digest: expected, generation: live.get('p')!.generation });
      }),
    );
  });
});
