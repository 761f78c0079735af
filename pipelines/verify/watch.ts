/** What is remembered of a policy beside its versions: since when it stands as it does, and what happened meanwhile. */

import type { Policy, PolicyApproval, PolicyTransition, Stage } from '#schemas';
import type { AlertSight } from './alert-sight.ts';
import { eventsOf, type RecentDenials } from './denials.ts';
import { reaches } from './gate.ts';

export interface Watch {
  /** Content and stage that the rest is about; either changing begins a new watch. */
  readonly digest: string;
  readonly stage: Stage;
  /** When, and with which generation, it began. */
  readonly sinceUs: number;
  readonly firstGeneration: number;
  /** Alerts of these generations, by hits. */
  readonly alerts: number;
  readonly recent: RecentDenials;
  /** Event time of the last spike that was told; null: none was. */
  readonly spikeUs: number | null;
  /** Findings that were told of this content. */
  readonly told: readonly string[];
  /** When a content was last taken back, by digest. */
  readonly takenBack: Readonly<Record<string, number>>;
  /** What the gate of the next stage lacked when it was last looked at; empty without one. */
  readonly missing: readonly string[];
  /** A change of stage that was decided here, and whose version is not written yet. */
  readonly decided: PolicyTransition | null;
  /** A change of stage that somebody else wrote down, the version of which was not seen yet; and when it was met, by the clock. */
  readonly orphan: { readonly transition: PolicyTransition; readonly metMs: number } | null;
}

/** The watch of a version that was not there before, `atUs` being when it was written. */
export function watchOf(policy: Policy, atUs: number, before: Watch | undefined): Watch {
  const { digest, stage, generation } = policy;
  const isSameContent = before?.digest === digest;
  const pending = { missing: [], decided: null, orphan: null };
  if (before && isSameContent && before.stage === stage) return { ...before, ...pending };
  return {
    ...{ digest, stage, sinceUs: atUs, firstGeneration: generation },
    ...{ alerts: 0, recent: [], spikeUs: null, ...pending },
    told: isSameContent ? before.told : [],
    takenBack: before?.takenBack ?? {},
  };
}

export function withAlert(watch: Watch, alert: AlertSight): Watch {
  return { ...watch, alerts: watch.alerts + alert.count };
}

/** Whether somebody gave their word for this content, after it was last taken back. */
export function isApproved(
  { digest, takenBack }: Watch,
  approval: PolicyApproval | undefined,
  stage: Stage,
): boolean {
  return (
    approval !== undefined &&
    approval.digest === digest &&
    reaches(approval.stage, stage) &&
    approval.at > (takenBack[digest] ?? 0)
  );
}

export function wasTakenBack({ takenBack, digest }: Watch): boolean {
  return digest in takenBack;
}

/** A spike is told once; another only when the window of the first has passed. */
export function isNewSpike({ spikeUs, recent }: Watch, withinMinutes: number): boolean {
  const lastUs = recent.at(-1)?.atUs ?? 0;
  return eventsOf(recent) > 0 && (spikeUs === null || lastUs - spikeUs >= withinMinutes * 60e6);
}
