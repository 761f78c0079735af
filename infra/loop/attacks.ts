/** Attacks and the alerts they must raise. */

import { flattenRules, parseDocument } from '#policy';
import type { Alert, Policy } from '#schemas';
import type { AttackResult as Attempt } from './containers/attack.ts';
import { type AttackName, pods } from './containers/index.ts';
import type { SeenAlert } from './observer.ts';
import type { AttackResult } from './report.ts';
import { until } from './steps.ts';

/** The default posture of a class denies what no rule admits; ptrace has a rule of its own. */
const expectations: Record<
  AttackName,
  { readonly about: (alert: Alert) => boolean; readonly ruleClass: string }
> = {
  'exec-shell': {
    about: ({ execution, process }) => isShell(execution?.path) && process?.executable === '/usr/sbin/nginx',
    ruleClass: 'process',
  },
  'exec-shell-by-runtime': {
    about: ({ execution, process }) => isShell(execution?.path) && process?.executable !== '/usr/sbin/nginx',
    ruleClass: 'process',
  },
  'read-shadow': { about: ({ file }) => file?.path === '/etc/shadow', ruleClass: 'file' },
  'connect-listener': {
    about: ({ network }) => network?.remotePort === 5000 && network.operation === 'CONNECT',
    ruleClass: 'egress',
  },
  'ptrace-master': { about: ({ syscall }) => syscall?.syscall === 'ptrace', ruleClass: 'syscall' },
};

function isShell(path: string | undefined): boolean {
  return path !== undefined && /\/(sh|dash|bash)$/.test(path);
}

export interface MatchOptions {
  readonly phase: 'control' | 'enforced' | 'orphaned';
  readonly attempts: readonly Attempt[];
  /** Alerts that came since the attacks began; grows while we wait. */
  readonly alerts: () => readonly SeenAlert[];
  readonly policy: Policy | undefined;
  /** Add to the guest's clock to get this machine's. */
  readonly clockOffsetMs: number;
  readonly waitMs: number;
}

/** Joins each attempt with the first alert that is about it, waiting for those that are still on their way. */
export async function matchAlerts(options: MatchOptions): Promise<AttackResult[]> {
  const { phase, attempts, alerts, policy, clockOffsetMs, waitMs } = options;
  const results: AttackResult[] = [];
  for (const { name, outcome, text } of attempts) {
    const result: AttackResult = { name, phase, outcome, error: outcome === 'succeeded' ? '' : text };
    if (phase === 'control' || policy === undefined) {
      results.push(result);
      continue;
    }
    const find = () => alerts().find(({ alert }) => expectations[name].about(alert));
    const seen = await until(`the alert of ${name}`, waitMs, find).catch(() => undefined);
    results.push(
      seen === undefined ? result : { ...result, alert: describe(seen, name, policy, clockOffsetMs) },
    );
  }
  return results;
}

function describe({ alert, arrivedMs }: SeenAlert, name: AttackName, policy: Policy, clockOffsetMs: number) {
  const { container, rule, verdict } = alert;
  return {
    policyId: rule.policyId,
    ruleId: rule.ruleId,
    generation: rule.generation,
    container: `${container.namespace}/${container.pod}/${container.name}`,
    delayMs: Math.round(arrivedMs - (alert.time / 1000 + clockOffsetMs)),
    attributed:
      verdict === 'DENY' &&
      rule.policyId === policy.policyId &&
      rule.generation === policy.generation &&
      ruleIdsOf(policy, expectations[name].ruleClass).includes(rule.ruleId) &&
      container.id === pods.nginx.containerId &&
      container.name === pods.nginx.app &&
      container.pod === pods.nginx.name &&
      container.podUid === pods.nginx.uid,
  };
}

/** The ids of the rules that deny in a class: its posture, and rules with action Block. */
function ruleIdsOf(policy: Policy, ruleClass: string): string[] {
  return policy.documents
    .flatMap(document => flattenRules(parseDocument(document)))
    .filter(rule => rule.class === ruleClass && (rule.ruleId.endsWith('/default') || rule.action === 'Block'))
    .map(rule => rule.ruleId);
}
