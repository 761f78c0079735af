/** An alert, as far as the stage of its policy depends on it. */

import { type Alert, eventIdHash, type Sample, type Verdict } from '#schemas';

export interface AlertSight {
  /** Hash of the event's identity: an alert that comes twice counts once. */
  readonly id: number;
  readonly policyId: string;
  readonly generation: number;
  readonly ruleId: string;
  readonly verdict: Verdict;
  readonly atUs: number;
  /** How many hits of the rule it stands for. */
  readonly count: number;
  /** What was done, in words. */
  readonly what: string;
  readonly sample: Sample;
}

export function alertSight(
  alert: Alert,
  place: { readonly topic: string; readonly partition: number; readonly offset: number },
): AlertSight {
  const { origin, rule, verdict, time, suppressed } = alert;
  const { topic, partition, offset } = place;
  return {
    id: eventIdHash(origin),
    ...{ policyId: rule.policyId, generation: rule.generation, ruleId: rule.ruleId, verdict },
    ...{ atUs: time, count: 1 + suppressed, what: whatWasDone(alert) },
    sample: { origin, topic, partition, offset },
  };
}

function whatWasDone({ process, execution, file, network, capability, syscall, container }: Alert): string {
  const who = process?.executable || container.name || 'a process';
  if (execution) return `${who}: execution of ${execution.path}`;
  if (file) return `${who}: ${file.operation.toLowerCase()} of ${file.path}`;
  if (network) {
    const { operation, transport, remoteAddress, remotePort } = network;
    const peer = remoteAddress ? `, ${remoteAddress} port ${remotePort}` : '';
    return `${who}: ${operation.toLowerCase()} ${transport}${peer}`;
  }
  if (capability) return `${who}: capability ${capability.capability}`;
  return syscall ? `${who}: ${syscall.syscall} ${syscall.object}`.trimEnd() : who;
}
