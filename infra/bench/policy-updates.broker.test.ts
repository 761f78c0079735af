import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { measurePolicyUpdates, median } from './policy-updates.ts';

const measured = (workload: { readonly updates: number; readonly busy?: boolean; readonly known?: number }) =>
  measurePolicyUpdates({
    ...{ bootstrapServers: inject('bootstrapServers'), registryUrl: inject('registryUrl') },
    ...{ tenant: `updates-${randomUUID().slice(0, 8)}`, ...workload },
  });

describe('a policy update', () => {
  it.each([
    ['of a workload that does nothing else that is new', false],
    ['of a workload that is still being learned', true],
  ])('%s follows the event that changes it within two seconds', { timeout: 180_000 }, async (_, busy) => {
    const tookMs = await measured({ updates: 9, busy });
    expect(tookMs).toHaveLength(9);
    // With the defaults about one second; where the machine is busy some may be late, most may not.
    expect(median(tookMs)).toBeLessThan(2_000);
    expect(Math.max(...tookMs)).toBeLessThan(10_000);
  });

  it('comes through where profile and policy are larger than a broker takes by itself', {
    timeout: 180_000,
  }, async () => {
    expect(await measured({ updates: 2, known: 5_000 })).toHaveLength(2);
  });
});
