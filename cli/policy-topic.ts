/**
 * What the policy commands do with policies.v1.
 *
 * Owns: which version is the newest, what a promotion writes. Does not own: what a policy says (discovery), what a stage
 * means on a node (enforcer).
 */

import { SluiceError } from '#errors';
import type { LogClient } from '#kafka';
import { type Policy, type Serdes, type Stage, topicName, withDefaults } from '#schemas';

export interface PolicyTopic {
  readonly client: LogClient;
  readonly serdes: Serdes;
  readonly tenant: string;
}

/** The newest version of every policy that is not removed, by policy id, sorted. */
export async function readPolicies({ client, serdes, tenant }: PolicyTopic): Promise<readonly Policy[]> {
  const topic = topicName(tenant, 'policies.v1');
  const admin = await client.admin();
  const newest = new Map<string, Policy>();
  for (const { partition, earliest } of await admin.offsets(topic)) {
    await client.read({
      topic,
      partition,
      from: earliest,
      async onBatch({ records }) {
        await serdes.prepareFor(records.map(({ value }) => value));
        for (const { key, value } of records) {
          const policyId = key?.toString() ?? '';
          if (value === null) newest.delete(policyId);
          else newest.set(policyId, serdes.of('policies.v1').deserialize(value));
        }
      },
    });
  }
  await admin.close();
  return [...newest.values()].sort((a, b) => (a.policyId < b.policyId ? -1 : 1));
}

export interface Promotion {
  readonly policyIds: readonly string[];
  readonly to: Stage;
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Publishes the next generation of each policy at another stage, its documents and digest unchanged, and the transition
 * that says who wanted it and why. Resolves with what is in policies.v1 now. All are checked before any is written.
 * Errors: INPUT_INVALID when a policy is not there or is at that stage already.
 */
export async function promote(topic: PolicyTopic, promotion: Promotion): Promise<readonly Policy[]> {
  const { policyIds, to, by, reason, nowMs } = promotion;
  const known = new Map((await readPolicies(topic)).map(policy => [policy.policyId, policy]));
  const before = policyIds.map(policyId => {
    const policy = known.get(policyId);
    if (!policy) {
      const near = [...known.keys()].join(', ') || 'none';
      throw new SluiceError('INPUT_INVALID', `There is no policy ${policyId}. There are: ${near}`);
    }
    if (policy.stage === to) {
      const text = `${policyId} is at stage ${to.toLowerCase()} already (generation ${policy.generation})`;
      throw new SluiceError('INPUT_INVALID', text);
    }
    return policy;
  });
  const after = before.map(policy => ({
    ...policy,
    generation: policy.generation + 1,
    prevDigest: policy.digest,
    stage: to,
  }));
  const transitions = before.map(({ policyId, generation, digest, stage }) =>
    withDefaults('PolicyTransition', {
      ...{ policyId, generation: generation + 1, digest, by, reason, at: nowMs * 1000 },
      from: stage,
      to,
    }),
  );
  await write(topic, after, transitions);
  return after;
}

async function write(
  { client, serdes, tenant }: PolicyTopic,
  policies: readonly Policy[],
  transitions: readonly ReturnType<typeof withDefaults<'PolicyTransition'>>[],
): Promise<void> {
  const producer = await client.producer();
  // The reason first: a change without its reason would be worse than a reason without its change.
  await producer.send(
    transitions.map(transition => ({
      topic: topicName(tenant, 'policy-transitions.v1'),
      key: Buffer.from(transition.policyId),
      value: serdes.of('policy-transitions.v1').serialize(transition),
    })),
  );
  await producer.send(
    policies.map(policy => ({
      topic: topicName(tenant, 'policies.v1'),
      key: Buffer.from(policy.policyId),
      value: serdes.of('policies.v1').serialize(policy),
    })),
  );
  await producer.close();
}
