/**
 * What the policy commands write.
 *
 * Owns: versions, their transitions and approvals, and that of writers that race one wins and the other is told.
 * Does not own: what a stage means on a node (enforcer), what goes on by itself (verify).
 */

import { SluiceError } from '#errors';
import { nextVersion, successionOf, type VersionChange } from '#policy';
import {
  type Policy,
  type PolicyApproval,
  type PolicyTransition,
  type Stage,
  topicName,
  withDefaults,
} from '#schemas';
import type { PolicyLog } from './policy-log.ts';

export interface Who {
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
}

export interface Promotion extends Who {
  readonly policyIds: readonly string[];
  readonly to: Stage;
  /** Refused unless this is the digest of what stands; of one policy. */
  readonly digest?: string;
}

/**
 * Publishes the next generation of each policy at another stage, its content unchanged, and the transition that says who
 * wanted it and why. Resolves with what stands then. All are checked before any is written.
 * Errors: INPUT_INVALID when a policy is not there, is at that stage already, or has another digest; and those of `publish`.
 */
export async function promote(
  log: PolicyLog,
  { policyIds, to, digest, ...who }: Promotion,
): Promise<Policy[]> {
  if (digest !== undefined && policyIds.length > 1)
    throw new SluiceError('INPUT_INVALID', 'a digest is of one policy: promote them one by one');
  const changes = policyIds.map(policyId => {
    const before = log.policy(policyId);
    if (digest !== undefined) checkDigest(before, digest);
    if (before.stage === to) {
      const text = `${policyId} is at stage ${to.toLowerCase()} already (generation ${before.generation})`;
      throw new SluiceError('INPUT_INVALID', text);
    }
    return { before, change: { stage: to } };
  });
  return publish(log, changes, who);
}

/**
 * Approves exactly one content for a stage: verify carries it there when its gate asks for approval.
 * Errors: INPUT_INVALID when there is no such policy, or another content stands by now.
 */
export async function approve(
  log: PolicyLog,
  { policyId, digest, stage, by, reason, nowMs }: Who & Pick<PolicyApproval, 'policyId' | 'digest' | 'stage'>,
): Promise<PolicyApproval> {
  checkDigest(log.policy(policyId), digest);
  const approval: PolicyApproval = { policyId, digest, stage, by, reason, at: nowMs * 1000 };
  const { client, serdes, tenant } = log.broker;
  const producer = await client.producer();
  await producer.send([
    {
      topic: topicName(tenant, 'policy-approvals.v1'),
      key: Buffer.from(policyId),
      value: serdes.of('policy-approvals.v1').serialize(approval),
    },
  ]);
  await producer.close();
  return approval;
}

function checkDigest({ policyId, digest, generation }: Policy, wanted: string): void {
  if (digest === wanted) return;
  throw new SluiceError(
    'INPUT_INVALID',
    `${policyId} has another content by now: generation ${generation} is ${digest}, not ${wanted}; look at it anew`,
  );
}

export interface Change {
  readonly before: Policy;
  readonly change: VersionChange;
}

/**
 * Writes the next version of each policy, its transition first. Resolves with the versions that stand.
 * Errors: INPUT_INVALID when another writer wrote a generation first; what it wrote stands then.
 */
export async function publish(log: PolicyLog, changes: readonly Change[], who: Who): Promise<Policy[]> {
  const versions = changes.map(({ before, change }) => nextVersion(before, change));
  await write(
    log,
    versions,
    changes.map(({ before }, at) => transitionOf(before, versions[at]!, who)),
  );
  const winners = new Map<string, Policy>();
  await log.catchUp(policy => {
    const mine = versions.find(each => each.policyId === policy.policyId);
    if (mine?.generation === policy.generation) winners.set(policy.policyId, policy);
  });
  const lost = versions.filter(mine => {
    const winner = winners.get(mine.policyId);
    return !winner || successionOf(winner, mine) !== 'repeat';
  });
  if (lost.length === 0) return versions;
  await settle(log, lost, who);
  const who_ = lost.map(({ policyId, generation }) => {
    const winner = winners.get(policyId);
    const what = winner ? `${winner.stage.toLowerCase()}, ${winner.digest}` : 'it was removed';
    return `generation ${generation} of ${policyId} (${what})`;
  });
  throw new SluiceError(
    'INPUT_INVALID',
    `Somebody else was first and stands: ${who_.join('; ')}. Look at it and try again`,
  );
}

/** Ours came second, and compaction keeps the last record: what stands is written anew (#policy, G3). */
async function settle(log: PolicyLog, lost: readonly Policy[], { by, nowMs }: Who): Promise<void> {
  const standing = lost
    .filter(({ policyId }) => log.standing.unsettled().has(policyId))
    .map(({ policyId }) => log.policy(policyId));
  const again = standing.map(each => nextVersion(each));
  const reason = 'two wrote the same generation; the first counts';
  await write(
    log,
    again,
    standing.map((each, at) => transitionOf(each, again[at]!, { by, reason, nowMs })),
  );
}

function transitionOf(before: Policy, after: Policy, { by, reason, nowMs }: Who): PolicyTransition {
  const { policyId, generation, digest, prevDigest, stage: to } = after;
  return withDefaults('PolicyTransition', {
    ...{ policyId, generation, digest, prevDigest, by, reason, at: nowMs * 1000 },
    ...{ from: before.stage, to },
  });
}

async function write(
  { broker: { client, serdes, tenant } }: PolicyLog,
  policies: readonly Policy[],
  transitions: readonly PolicyTransition[],
): Promise<void> {
  if (policies.length === 0) return;
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
