import { describe, expect, it } from 'vitest';
import { memoryLog } from '#kafka';
import { localSerdes, type Policy, topicName, topicSpecs, withDefaults } from '#schemas';
import { promote, readPolicies } from './policy-topic.ts';

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

async function topicWith(...records: (Policy | string)[]) {
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
  return { log, topic: { client, serdes, tenant: 't' } };
}

const promotion = { to: 'ENFORCE', by: 'ann', reason: 'proven', nowMs: 5 } as const;

describe('the policy commands', () => {
  it('show the newest version of each policy, and none that was removed', async () => {
    const { topic } = await topicWith(
      policyOf('b', 1),
      policyOf('a', 1),
      policyOf('b', 2),
      policyOf('c', 1),
      'c',
    );
    const found = await readPolicies(topic);
    expect(found.map(({ policyId, generation }) => [policyId, generation])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('promote: the next generation has the same digest, and the transition says who and why', async () => {
    const { log, topic } = await topicWith(policyOf('a', 3), policyOf('b', 1));
    await promote(topic, { ...promotion, policyIds: ['a'] });
    const [a, b] = await readPolicies(topic);
    expect(a).toMatchObject({ generation: 4, stage: 'ENFORCE', digest: 'sha256:a', prevDigest: 'sha256:a' });
    expect(b).toMatchObject({ generation: 1, stage: 'CANDIDATE' });
    const [transition] = log.records(topicName('t', 'policy-transitions.v1'));
    expect(serdes.of('policy-transitions.v1').deserialize(transition!.value!)).toEqual({
      ...{ policyId: 'a', generation: 4, digest: 'sha256:a', from: 'CANDIDATE', to: 'ENFORCE' },
      ...{ at: 5000, by: 'ann', reason: 'proven' },
    });
  });

  it('promote nothing when one of the policies is unknown or there already', async () => {
    const { topic } = await topicWith(policyOf('a', 1), policyOf('b', 1, 'ENFORCE'));
    await expect(promote(topic, { ...promotion, policyIds: ['a', 'x'] })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: 'There is no policy x. There are: a, b',
    });
    await expect(promote(topic, { ...promotion, policyIds: ['a', 'b'] })).rejects.toThrow(
      /already \(generation 1\)/,
    );
    expect((await readPolicies(topic))[0]).toMatchObject({ generation: 1 });
  });
});
