/**
 * What happened around an alert only: it may be of the hand that raised it, so it is not learned before it is seen apart from one.
 *
 * Owns: which behaviours are left out for that. Pure: it depends on the behaviours' times and on those of alerts alone (I2).
 *
 * Where alerts are so frequent that nothing could be apart from them they tell nothing, and nothing is left out.
 */

import type { Behaviour, BehaviourProfile } from '#schemas';

const minuteUs = 60_000_000;
const dayUs = 86_400_000_000;
/** An alert's minute, and so many before and after it. */
const aroundMinutes = 3;
/** Alerts may be around for this share of the profile's time at most. */
const largestShare = 0.25;

interface Options {
  readonly lose: (what: string) => void;
}

/** Of the containers of one workload, whose alerts count for all of them. Each behaviour left out is reported. */
export function withoutSuspects(
  profiles: readonly BehaviourProfile[],
  { lose }: Options,
): readonly BehaviourProfile[] {
  const alerts = [...new Set(profiles.flatMap(each => each.alerts))];
  const behaviours = profiles.flatMap(each => each.behaviours);
  if (alerts.length === 0 || behaviours.length === 0) return profiles;
  if (areEverywhere(alerts, behaviours)) {
    lose('denied or audited so often that what happened around alerts cannot be told from the rest');
    return profiles;
  }
  const isSuspect = aroundOnly(alerts);
  return profiles.map(profile => {
    const suspects = new Set(profile.behaviours.filter(isSuspect));
    for (const each of suspects) lose(`${nameOf(each)}: seen around alerts only, so it is not learned yet`);
    return { ...profile, behaviours: profile.behaviours.filter(each => !suspects.has(each)) };
  });
}

function aroundOnly(alerts: readonly number[]): (behaviour: Behaviour) => boolean {
  const spread = Array.from({ length: 2 * aroundMinutes + 1 }, (_, i) => i - aroundMinutes);
  const minutes = new Set(alerts.flatMap(minute => spread.map(by => minute + by)));
  const days = new Set(alerts.map(minute => Math.floor((minute * minuteUs) / dayUs)));
  const isAround = (timeUs: number) => minutes.has(Math.floor(timeUs / minuteUs));
  return ({ evidence: { firstSeen, lastSeen, days: seen } }) =>
    isAround(firstSeen) && isAround(lastSeen) && seen.every(day => days.has(day));
}

function areEverywhere(alerts: readonly number[], behaviours: readonly Behaviour[]): boolean {
  let [firstUs, lastUs] = [Number.POSITIVE_INFINITY, 0];
  for (const { evidence } of behaviours) {
    firstUs = Math.min(firstUs, evidence.firstSeen);
    lastUs = Math.max(lastUs, evidence.lastSeen);
  }
  const minutes = Math.max(1, (lastUs - firstUs) / minuteUs);
  return (alerts.length * (2 * aroundMinutes + 1)) / minutes > largestShare;
}

function nameOf({ operation, object, peer, port, http }: Behaviour): string {
  const what = [
    operation,
    object,
    peer?.value || peer?.workload || '',
    port || '',
    http?.method ?? '',
    http?.path ?? '',
  ];
  return what.filter(part => part !== '').join(' ');
}
