import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Judge, judgesProgram } from '#peers';
import { parseAnyDocument } from '#policy';
import { anyProfiles } from './behaviour-arbitrary.ts';
import { makePolicy, policyDefaults } from './make-policy.ts';

let cilium: Judge;
beforeAll(async () => {
  cilium = Judge.start(await judgesProgram(line => process.stderr.write(`${line}\n`)), 'cilium');
});
afterAll(() => cilium.stop());

it('Cilium’s agent takes whatever discovery emits for it: it refuses more than the API server does', async () => {
  await fc.assert(
    fc.asyncProperty(anyProfiles, fc.boolean(), async (profiles, widen) => {
      const made = makePolicy(profiles, ['cilium', 'kubernetes'], { ...policyDefaults, widen });
      const policies = (made?.documents ?? []).map(parseAnyDocument);
      await expect(cilium.ask({ policies, endpoints: [], flows: [] })).resolves.toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
