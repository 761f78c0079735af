/**
 * The policies in force, and the rules they put on a container.
 *
 * Owns: which record of a policy acts (stage, generation, digest), what a refused one leaves in force.
 * Does not own: reading the topic (topic-follower.ts), swapping rule sets (enforcement.ts).
 *
 * T1 Only ENFORCE, AUDIT and CANARY act. LEARNING, CANDIDATE and SHADOW leave what is in force as it is; RETIRED and a
 *    tombstone take it away.
 * T2 The generation in force never goes back, nor does it change its meaning.
 *    Of two records of one generation the first counts, whether it acts or not (#policy, G1).
 * T3 A record that is refused, for whatever reason, changes nothing but the status (I5).
 */

import { classify, SluiceError } from '#errors';
import { flattenRules, type PolicyObject, parseDocument, policyDigest, selects, successionOf } from '#policy';
import type { Policy, Stage } from '#schemas';
import { type EnforceableRule, enforceable } from './enforceable.ts';
import type { EntityTable } from './entity-table.ts';
import type { ContainerRules } from './kernel-rules.ts';
import { divide } from './left-documents.ts';
import type { PathRule } from './path-rules.ts';
import type { PeerRule } from './peer-rules.ts';
import { alwaysAdmitted, blocksOf } from './peers.ts';
import { type Force, posture, type RuleName, type Ruling, ruling, strictest } from './ruling.ts';
import type { Scope } from './scope-table.ts';

export interface PolicyInForce {
  readonly policyId: string;
  readonly generation: number;
  readonly digest: string;
  readonly force: Force;
  readonly documents: readonly {
    readonly object: PolicyObject;
    readonly rules: readonly EnforceableRule[];
  }[];
  /** Names of its documents that are Cilium's to enforce. */
  readonly left: readonly string[];
}

export interface RuleTold {
  readonly tags: readonly string[];
  readonly message: string;
}

export type Outcome =
  | { readonly kind: 'accepted'; readonly policy: PolicyInForce }
  | { readonly kind: 'rejected'; readonly record: Policy; readonly error: SluiceError }
  | { readonly kind: 'removed'; readonly policyId: string; readonly last: PolicyInForce | undefined }
  | { readonly kind: 'unchanged' };

export interface PolicyTableOptions {
  readonly cluster: string;
  /** A node on which a CANARY denies; on the others it audits. */
  readonly canaryNode: boolean;
}

const policyIdBytes = 255;

export class PolicyTable {
  readonly #options: PolicyTableOptions;
  readonly #inForce = new Map<string, PolicyInForce>();
  /** Generations known only from pinned rule sets: their records are not needed to hold on to them. */
  readonly #pinned = new Map<string, number>();
  /** The last version that did not act, where none that acts came after it. */
  readonly #waiting = new Map<string, Pick<Policy, 'generation' | 'digest' | 'prevDigest' | 'stage'>>();
  readonly #told = new Map<string, RuleTold>();

  constructor(options: PolicyTableOptions) {
    this.#options = options;
  }

  get inForce(): readonly PolicyInForce[] {
    return [...this.#inForce.values()];
  }

  get(policyId: string): PolicyInForce | undefined {
    return this.#inForce.get(policyId);
  }

  /** What the document says of a rule besides matching; kept after the policy is gone, for events on their way. */
  told(policyId: string, ruleId: string): RuleTold | undefined {
    return this.#told.get(toldKey(policyId, ruleId));
  }

  /** True while a pinned rule set of this policy has to do without its record. */
  isPinnedOnly(policyId: string): boolean {
    return this.#pinned.has(policyId);
  }

  /** A generation that a pinned rule set names; forgotten once a record of the policy is in force. */
  adopt(policyId: string, generation: number): void {
    if (this.#inForce.has(policyId)) return;
    this.#pinned.set(policyId, Math.max(generation, this.#pinned.get(policyId) ?? 0));
  }

  apply(policyId: string, record: Policy | null): Outcome {
    if (record === null) {
      this.#waiting.delete(policyId);
      return this.#remove(policyId);
    }
    if (!this.#isOurs(record)) return { kind: 'unchanged' };
    const force = this.#forceOf(record.stage);
    try {
      this.#refuseSecond(policyId, record);
      if (!force) {
        const { generation, digest, prevDigest, stage } = record;
        this.#waiting.set(policyId, { generation, digest, prevDigest, stage });
        return stage === 'RETIRED' ? this.#remove(policyId) : { kind: 'unchanged' };
      }
      const policy = this.#take(policyId, record, force);
      if (!policy) return { kind: 'unchanged' };
      this.#inForce.set(policyId, policy);
      this.#pinned.delete(policyId);
      this.#waiting.delete(policyId);
      for (const { rules } of policy.documents) {
        for (const { ruleId, tags, message } of rules)
          this.#told.set(toldKey(policyId, ruleId), { tags, message });
      }
      return { kind: 'accepted', policy };
    } catch (failure) {
      return { kind: 'rejected', record, error: classify(failure) };
    }
  }

  /** The policies that select a container, sorted by id. */
  policiesOf(scope: Scope): PolicyInForce[] {
    if (!scope.identified) return [];
    return [...this.#inForce.values()]
      .filter(({ documents }) => documents.some(({ object }) => isFor(object, scope)))
      .sort((a, b) => (a.policyId < b.policyId ? -1 : 1));
  }

  /** What acts is told apart in `#take`; here, what came second to a version that does not act, or would not. */
  #refuseSecond(policyId: string, record: Policy): void {
    const { generation, stage } = record;
    const inForce = this.#inForce.get(policyId)?.generation ?? 0;
    const isSecond =
      successionOf(this.#waiting.get(policyId), record) === 'void' ||
      (this.#forceOf(stage) === undefined && generation <= inForce);
    if (isSecond)
      throw invalid(policyId, `generation ${generation} is taken by an earlier record; publish a newer one`);
  }

  #isOurs({ target }: Policy): boolean {
    return target.cluster === this.#options.cluster;
  }

  #forceOf(stage: Stage): Force | undefined {
    if (stage === 'ENFORCE') return 'enforce';
    if (stage === 'AUDIT') return 'audit';
    if (stage === 'CANARY') return this.#options.canaryNode ? 'enforce' : 'audit';
    return undefined;
  }

  #remove(policyId: string): Outcome {
    const last = this.#inForce.get(policyId);
    const wasPinned = this.#pinned.delete(policyId);
    this.#inForce.delete(policyId);
    return last || wasPinned ? { kind: 'removed', policyId, last } : { kind: 'unchanged' };
  }

  #take(policyId: string, record: Policy, force: Force): PolicyInForce | undefined {
    const { generation, digest } = record;
    if (record.policyId !== policyId) {
      throw invalid(policyId, `the record of key ${policyId} names ${record.policyId}; write both alike`);
    }
    if (Buffer.byteLength(policyId, 'utf8') > policyIdBytes) {
      throw new SluiceError(
        'POLICY_UNENFORCEABLE',
        `policy id of more than ${policyIdBytes} bytes; shorten it`,
      );
    }
    if (policyDigest(record) !== digest) {
      throw invalid(policyId, `digest ${digest} is not that of its target and documents; publish it anew`);
    }
    const now = this.#inForce.get(policyId);
    const least = now?.generation ?? this.#pinned.get(policyId) ?? 0;
    if (generation < least) {
      throw invalid(
        policyId,
        `generation ${generation} is older than ${least}, which is in force; publish a newer one`,
      );
    }
    if (now?.generation === generation) {
      if (now.digest === digest && now.force === force) return undefined;
      throw invalid(
        policyId,
        `generation ${generation} is in force with another digest or stage; publish a newer one`,
      );
    }
    const { own, left } = divide(record.documents);
    const documents = own.map(document => {
      const object = parseDocument(document);
      return { object, rules: enforceable(flattenRules(object), `${document.kind} ${document.name}`) };
    });
    return { policyId, generation, digest, force, documents, left };
  }
}

function toldKey(policyId: string, ruleId: string): string {
  return `${policyId}\n${ruleId}`;
}

function invalid(policyId: string, reason: string): SluiceError {
  return new SluiceError('POLICY_INVALID', `policy ${policyId}: ${reason}`);
}

function isFor(object: PolicyObject, { container, labels }: Scope): boolean {
  return selects(object, { namespace: container.namespace, labels, container: container.name });
}

export interface RulesOf {
  readonly scope: Scope;
  readonly policies: readonly PolicyInForce[];
  readonly entities: EntityTable;
  readonly nodeAddresses: readonly string[];
}

/** All rules the policies put on a container. Pure. */
export function containerRules({ scope, policies, entities, nodeAddresses }: RulesOf): ContainerRules {
  const held = policies.flatMap(policy =>
    policy.documents
      .filter(({ object }) => isFor(object, scope))
      .flatMap(({ rules }) => rules.map(rule => ({ rule, policy }))),
  );
  const made = held.map(({ rule, policy }) => ({ rule, name: nameOf(rule, policy), force: policy.force }));
  const postureOf = (ruleClass: EnforceableRule['class']) =>
    strictest(
      made
        .filter(({ rule }) => rule.kind === 'posture' && rule.class === ruleClass)
        .map(({ name, force }) => posture(name, force)),
    );
  const pathsOf = (ruleClass: 'process' | 'file') => ({
    rules: made.flatMap(({ rule, name, force }): PathRule[] => {
      if (rule.kind !== 'path' || rule.class !== ruleClass) return [];
      const { path, recursive, action, readOnly } = rule;
      return [{ path, recursive, ruling: ruling({ name, action, force, readOnly }) }];
    }),
    posture: postureOf(ruleClass),
  });
  const codesOf = (ruleClass: 'network' | 'syscall') => ({
    rules: made.flatMap(({ rule, name, force }) => {
      if (rule.kind !== 'code' || rule.class !== ruleClass) return [];
      return rule.codes.map(code => ({ code, ruling: ruling({ name, action: rule.action, force }) }));
    }),
    posture: postureOf(ruleClass),
  });
  const peersOf = (direction: 'egress' | 'ingress') => {
    const otherwise = postureOf(direction);
    const rules = made.flatMap(({ rule, name, force }): PeerRule[] => {
      if (rule.kind !== 'traffic' || rule.class !== direction) return [];
      const { peer, ports, action } = rule;
      return [
        {
          ruling: ruling({ name, action, force }),
          blocks: blocksOf({ direction, peer, ports }, entities),
          ports,
        },
      ];
    });
    if (otherwise) {
      const blocks = alwaysAdmitted(direction, { podAddresses: scope.addresses, nodeAddresses });
      rules.push({ ruling: selfRuling(direction, otherwise), blocks, ports: [] });
    }
    return { rules, posture: otherwise };
  };
  return {
    process: pathsOf('process'),
    file: pathsOf('file'),
    socket: codesOf('network'),
    syscall: codesOf('syscall'),
    egress: peersOf('egress'),
    ingress: peersOf('ingress'),
  };
}

function nameOf({ ruleId, severity }: EnforceableRule, { policyId, generation }: PolicyInForce): RuleName {
  return { policyId, ruleId, generation, severity };
}

/** What needs no rule has a name all the same. */
function selfRuling(direction: string, { name }: Ruling): Ruling {
  return { name: { ...name, ruleId: `${direction}/self` }, read: 'ALLOW', write: 'ALLOW' };
}
