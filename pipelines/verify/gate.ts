/** Whether a policy may go on to its next stage. Pure: a matter of what was recorded, not of the clock. */

import type { PolicyConfidence, Stage } from '#schemas';
import type { Gate } from './settings.ts';

export interface GateFacts {
  /** Time that the workload's recorded events cover since the policy entered its stage. */
  readonly watchedHours: number;
  readonly confidence: PolicyConfidence;
  /** Behaviours seen since then that the policy does not admit. */
  readonly wouldDeny: number;
  /** Alerts of the policy since then. */
  readonly alerts: number;
  /** Whether somebody approved this digest for the next stage or a later one, after any rollback of it. */
  readonly isApproved: boolean;
  /** Whether this digest was taken back before: it goes on by approval only. */
  readonly wasRolledBack: boolean;
}

/** What is missing, in words; empty: it may go on. */
export function unmet(gate: Gate, facts: GateFacts): string[] {
  const { confidence, watchedHours, wouldDeny, alerts, isApproved, wasRolledBack } = facts;
  const { events, replicas, days } = confidence;
  const missing: (string | false)[] = [
    watchedHours < gate.afterHours &&
      `watched for ${inHours(watchedHours)} of ${inHours(gate.afterHours)} hours`,
    wouldDeny > 0 && `${wouldDeny} behaviours seen since would be denied`,
    alerts > gate.maxAlerts && `${alerts} alerts since, ${gate.maxAlerts} are allowed`,
    confidence.confidence < gate.minConfidence &&
      `confidence ${confidence.confidence.toFixed(3)} of ${gate.minConfidence}`,
    events < gate.minEvents && `${events} of ${gate.minEvents} events`,
    replicas < gate.minReplicas && `${replicas} of ${gate.minReplicas} replicas`,
    days < gate.minDays && `${days} of ${gate.minDays} days`,
    gate.approval && !isApproved && 'nobody approved this digest',
    !gate.approval && wasRolledBack && !isApproved && 'it was taken back before; nobody approved it since',
  ];
  return missing.filter(each => each !== false);
}

/** Why it went on, for the transition. */
export function met({ watchedHours, confidence, wouldDeny, alerts, isApproved }: GateFacts): string {
  const { events, replicas, days } = confidence;
  return [
    `${inHours(watchedHours)} hours watched`,
    `${wouldDeny} would-be denials`,
    `${alerts} alerts`,
    `confidence ${confidence.confidence.toFixed(3)} (${events} events, ${replicas} replicas, ${days} days)`,
    ...(isApproved ? ['approved'] : []),
  ].join(', ');
}

function inHours(hours: number): string {
  return String(Math.floor(hours * 10) / 10);
}

const order: readonly Stage[] = ['LEARNING', 'CANDIDATE', 'SHADOW', 'AUDIT', 'CANARY', 'ENFORCE'];

/** null: there is none. */
export function stageAfter(stage: Stage): Stage | null {
  const at = order.indexOf(stage);
  return at < 0 ? null : (order[at + 1] ?? null);
}

/** Whether a word about `stage` is also one about `wanted`. */
export function reaches(stage: Stage, wanted: Stage): boolean {
  return order.includes(stage) && order.indexOf(stage) >= order.indexOf(wanted);
}
