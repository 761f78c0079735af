/** What is automatic, and from when on. No policy goes on unless that is configured; a canary that denies too much is taken back. */

import { z } from 'zod';

/** What has to hold before a policy goes on to a stage. */
export const gate = z.strictObject({
  /** How much time the recorded events of the workload cover since the policy entered its stage, unchanged. */
  afterHours: z.number().nonnegative().default(24),
  /** Of the workload's profile, as in `Policy.confidence`. */
  minConfidence: z.number().min(0).max(1).default(0.95),
  minEvents: z.int().nonnegative().default(100),
  minReplicas: z.int().nonnegative().default(1),
  minDays: z.int().nonnegative().default(1),
  /** Alerts of the policy since it entered its stage. */
  maxAlerts: z.int().nonnegative().default(0),
  /** Whether somebody has to approve exactly this digest first: `sluice policy approve`. */
  approval: z.boolean().default(false),
});

export const promotion = z.strictObject({
  candidate: gate.optional(),
  shadow: gate.optional(),
  audit: gate.optional(),
  canary: gate.optional(),
  enforce: gate.optional(),
});

export const spike = z.strictObject({
  /** So many denials of one policy … */
  denials: z.int().positive().default(20),
  /** … within so long are a spike. */
  withinMinutes: z.number().positive().default(10),
});

export const rollback = z.strictObject({
  /** Whether a spike takes a policy back from this stage. */
  canary: z.boolean().default(true),
  enforce: z.boolean().default(false),
  /** `previous`: to the last content that was enforced without a spike; where there is none, as `audit`. */
  to: z.enum(['audit', 'previous']).default('audit'),
});

export const verifySettings = z.strictObject({
  promote: promotion.prefault({}),
  spike: spike.prefault({}),
  rollback: rollback.prefault({}),
  /** A rule is stale when the workload went on for so long without using it. */
  staleDays: z.number().positive().default(30),
  /** How long no behaviour must have been new before a profile is judged, so that discovery speaks first. */
  quietMs: z.int().positive().default(5_000),
  /** How often a profile is looked at of which only the evidence is new. */
  evidenceMs: z.int().positive().default(300_000),
  /** How long a transition may be without its version before verify writes that. */
  orphanMs: z.int().positive().default(10_000),
});

export type Gate = z.infer<typeof gate>;
export type Promotion = z.infer<typeof promotion>;
export type VerifySettings = z.infer<typeof verifySettings>;
/** What may be configured; the rest has its defaults. */
export type VerifySettingsInput = z.input<typeof verifySettings>;
