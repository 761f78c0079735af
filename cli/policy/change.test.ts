import { describe, expect, it } from 'vitest';
import { memoryLog } from '#kafka';
import { localSerdes, type Policy, topicName, topicSpecs, withDefaults } from '#schemas';
import { approve, promote } from './change.ts';
import { historyLines } from './history.ts';
import { PolicyLog } from './policy-log.ts';
import { lastOther } from './rollback.ts';

const serdes = localSerdes();
const target = withDefaults('PolicyTarget', {
  cluster: 'c',
  namespace: 'n',
  workloadKind: 'Deployment',
  workload: 'w',
});
const policyOf = (policyId: string, generation: number, stage: Policy['stage'] = 'CANDIDATE') =>
  withDefaults('Policy', {
    policyId,
    generation,
    digest: `sha256:${policyId}`,
    stage,
    target,
    documents: [],
  });

async function topicWith(...records: readonly (Policy | string)[]) {
  const log = memoryLog();
  const client = log.client();
  await (await client.admin()).createTopics(topicSpecs('t'));
  const topic = topicName('t', 'policies.v1');
  const producer = await client.producer();
  for (const record of records) {
    const [id, value] =
      typeof record === 'string'
        ? [record, null]
        : [record.policyId, serdes.of('policies.v1').serialize(record)];
    await producer.send([{ topic, key: Buffer.from(id), value }]);
  }
  const write = (policy: Policy) =>
    producer.send([
      { topic, key: Buffer.from(policy.policyId), value: serdes.of('policies.v1').serialize(policy) },
    ]);
  return { log, write, open: () => PolicyLog.open({ client, serdes, tenant: 't' }) };
}

const promotion = { to: 'ENFORCE', by: 'ann', reason: 'proven', nowMs: 5 } as const;
const told = (policies: readonly Policy[]) =>
  policies.map(({ policyId, generation, stage }) => [policyId, generation, stage]);

describe('the policy commands', () => {
  it('show the version that stands of each policy, and none that was removed', async () => {
    const { open } = await topicWith(
      policyOf('b', 1),
      policyOf('a', 1),
      policyOf('b', 2),
      policyOf('c', 1),
      'c',
    );
    expect(told((await open()).standing.all())).toEqual([
      ['a', 1, 'CANDIDATE'],
      ['b', 2, 'CANDIDATE'],
    ]);
  });

  it('promote: the next generation has the same digest, and the transition says who and why', async () => {
    const { log, open } = await topicWith(policyOf('a', 3), policyOf('b', 1));
    await promote(await open(), { ...promotion, policyIds: ['a'] });
    const policies = (await open()).standing;
    expect(policies.get('a')).toMatchObject({
      ...{ generation: 4, stage: 'ENFORCE', digest: 'sha256:a', prevDigest: 'sha256:a' },
    });
    expect(policies.get('b')).toMatchObject({ generation: 1, stage: 'CANDIDATE' });
    const [transition] = log.records(topicName('t', 'policy-transitions.v1'));
    expect(serdes.of('policy-transitions.v1').deserialize(transition!.value!)).toMatchObject({
      ...{ policyId: 'a', generation: 4, digest: 'sha256:a', from: 'CANDIDATE', to: 'ENFORCE' },
      ...{ prevDigest: 'sha256:a', at: 5000, by: 'ann', reason: 'proven' },
    });
  });

  it('promote nothing when one of the policies is unknown or there already', async () => {
    const { open } = await topicWith(policyOf('a', 1), policyOf('b', 1, 'ENFORCE'));
    await expect(promote(await open(), { ...promotion, policyIds: ['a', 'x'] })).rejects.toMatchObject({
      ...{ code: 'INPUT_INVALID', message: 'There is no policy x. There are: a, b' },
    });
    await expect(promote(await open(), { ...promotion, policyIds: ['a', 'b'] })).rejects.toThrow(
      /already \(generation 1\)/,
    );
    expect((await open()).standing.get('a')).toMatchObject({ generation: 1 });
  });

  it('promote nothing of which another content stands than the one that was looked at', async () => {
    const { open } = await topicWith(policyOf('a', 1));
    const log = await open();
    await expect(promote(log, { ...promotion, policyIds: ['a'], digest: 'sha256:old' })).rejects.toThrow(
      /another content by now: generation 1 is sha256:a, not sha256:old/,
    );
    const [promoted] = await promote(log, { ...promotion, policyIds: ['a'], digest: 'sha256:a' });
    expect(promoted).toMatchObject({ generation: 2 });
  });

  it('lose to who wrote the generation first, say so, and leave no trace that could win later', async () => {
    const { log, open, write } = await topicWith(policyOf('a', 1));
    const mine = await open();
    await write({ ...policyOf('a', 2), digest: 'sha256:learned-anew', prevDigest: 'sha256:a' });
    await expect(promote(mine, { ...promotion, policyIds: ['a'] })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message:
        'Somebody else was first and stands: generation 2 of a (candidate, sha256:learned-anew). Look at it and try again',
    });
    expect((await open()).standing.get('a')).toMatchObject({
      ...{ generation: 3, stage: 'CANDIDATE', digest: 'sha256:learned-anew' },
    });
    // Compaction keeps the last record alone.
    const last = log.records(topicName('t', 'policies.v1')).at(-1)!;
    expect(serdes.of('policies.v1').deserialize(last.value!)).toMatchObject({
      generation: 3,
      stage: 'CANDIDATE',
    });
    expect(told(await promote(await open(), { ...promotion, policyIds: ['a'] }))).toEqual([
      ['a', 4, 'ENFORCE'],
    ]);
  });

  it('approve exactly what stands', async () => {
    const { log, open } = await topicWith(policyOf('a', 1));
    const approval = { policyId: 'a', stage: 'ENFORCE', by: 'ann', reason: 'read it', nowMs: 5 } as const;
    await expect(approve(await open(), { ...approval, digest: 'sha256:old' })).rejects.toThrow(
      /look at it anew/,
    );
    expect(log.records(topicName('t', 'policy-approvals.v1'))).toEqual([]);
    await approve(await open(), { ...approval, digest: 'sha256:a' });
    const [record] = log.records(topicName('t', 'policy-approvals.v1'));
    expect(serdes.of('policy-approvals.v1').deserialize(record!.value!)).toMatchObject({
      ...{ policyId: 'a', digest: 'sha256:a', stage: 'ENFORCE', by: 'ann', reason: 'read it', at: 5000 },
    });
  });

  it('tell the history: each version once, with the transition that led to it', async () => {
    const { open } = await topicWith(policyOf('a', 1));
    await promote(await open(), { ...promotion, policyIds: ['a'], to: 'AUDIT' });
    await promote(await open(), { ...promotion, policyIds: ['a'], reason: 'no alerts' });
    const policies = await open();
    const lines = historyLines(await policies.versions('a'), await policies.transitions('a'));
    expect(
      lines.map(({ generation, stage, by, reason, from }) => [generation, stage, by, reason, from]),
    ).toEqual([
      [1, 'CANDIDATE', '', '', null],
      [2, 'AUDIT', 'ann', 'proven', 'CANDIDATE'],
      [3, 'ENFORCE', 'ann', 'no alerts', 'AUDIT'],
    ]);
    const [, audited] = await policies.versions('a');
    expect(lastOther(policies.policy('a'), await policies.versions('a'))).toEqual(audited!.policy);
    await expect(policies.version('a', 9)).rejects.toThrow('a has no generation 9. Kept are: 1, 2, 3');
  });
});
