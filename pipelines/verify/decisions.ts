/**
 * Changes of stage, from the decision to the version.
 *
 * Owns: that the reason comes first (S1), and versions whose writer did not come to write them.
 * Does not own: what is decided (verify-policies.ts).
 */

import { nextVersion, type PackedPolicy } from '#policy';
import { type EvidenceRange, type PolicyTransition, type Stage, withDefaults } from '#schemas';
import type { VerifyState } from './verify-state.ts';

export interface Decision {
  readonly to: Stage;
  readonly reason: string;
  /** Of another content than the one that stands: of the last healthy one. */
  readonly digest?: string;
  readonly wouldDeny?: number;
  readonly evidence?: EvidenceRange[];
}

const automation = 'verify';

export class Decisions {
  readonly #state: VerifyState;
  readonly #orphanMs: number;
  /** Policies with a transition whose version was not seen yet. */
  readonly #orphaned = new Set<string>();

  constructor(state: VerifyState, orphanMs: number) {
    this.#state = state;
    this.#orphanMs = orphanMs;
    for (const [policyId, { orphan }] of state.watches.all()) if (orphan) this.#orphaned.add(policyId);
  }

  /** Writes the transition; its version follows when that was read back. Nothing, where one is on its way already. */
  decide(policyId: string, decision: Decision): void {
    const { generation, digest, stage } = this.#state.standing.get(policyId)!;
    if (this.#state.watch(policyId).decided) return;
    const record = withDefaults('PolicyTransition', {
      ...{ policyId, generation: generation + 1, digest, prevDigest: digest, from: stage, ...decision },
      ...{ at: this.#state.nowUs, by: automation },
    });
    this.#state.note(policyId, { decided: record });
    this.#state.count(`transitions.${decision.to.toLowerCase()}`);
    this.#state.forward(policyId, { topic: 'policy-transitions.v1', record });
  }

  /** A transition as it stands in the topic. */
  read(policyId: string, transition: PolicyTransition): void {
    const standing = this.#state.standing.get(policyId);
    if (!standing || transition.generation !== standing.generation + 1) return;
    const { decided } = this.#state.watch(policyId);
    if (decided && isSame(decided, transition)) {
      this.#write(standing, transition);
      return;
    }
    // Who wrote it is about to write the version too.
    this.#state.note(policyId, { orphan: { transition, metMs: this.#state.nowMs } });
    this.#orphaned.add(policyId);
  }

  /** Writes versions that nobody came to write. */
  adopt(nowMs: number): void {
    for (const policyId of this.#orphaned) {
      const { orphan } = this.#state.watch(policyId);
      if (orphan && nowMs - orphan.metMs < this.#orphanMs) continue;
      this.#orphaned.delete(policyId);
      if (!orphan) continue;
      this.#state.note(policyId, { orphan: null });
      this.#state.count('transitions.adopted');
      this.#write(this.#state.standing.get(policyId)!, orphan.transition);
    }
  }

  /** Its version came, or the policy is gone. */
  settled(policyId: string): void {
    this.#orphaned.delete(policyId);
  }

  #write(standing: PackedPolicy, { digest, to }: PolicyTransition): void {
    const { policyId } = standing;
    const content = [standing, this.#state.healthy.get(policyId)].find(each => each?.digest === digest);
    if (!content) {
      // Another writer's content, of which only the transition came: nobody else can know it.
      this.#state.count('transitions.content-unknown');
      return;
    }
    const { target, documents, rules, losses, confidence } = content.unpack();
    const change = { digest, target, documents, rules, losses, confidence, stage: to };
    const record = nextVersion(standing.unpack(), change);
    this.#state.forward(policyId, { topic: 'policies.v1', record });
  }
}

function isSame(a: PolicyTransition, b: PolicyTransition): boolean {
  return a.generation === b.generation && a.digest === b.digest && a.to === b.to;
}
