import { describe, expect, it } from 'vitest';
import { type Behaviour, type BehaviourProfile, withDefaults } from '#schemas';
import { withoutSuspects } from './suspect-behaviours.ts';

const minuteUs = 60_000_000;
const dayMinutes = 1440;
/** Long enough that an alert or two are not everywhere. */
const background = seen('/bin/server', 0, 10 * dayMinutes);

function seen(object: string, firstMinute: number, lastMinute = firstMinute): Behaviour {
  const days = [...new Set([firstMinute, lastMinute].map(minute => Math.floor(minute / dayMinutes)))];
  return {
    ...{ operation: 'EXEC', object, source: '', transport: 'OTHER', port: 0, peer: null, http: null },
    evidence: {
      ...{ count: 2, firstSeen: firstMinute * minuteUs, lastSeen: lastMinute * minuteUs + 1, days },
      ...{ replicas: [], sketch: [], samples: [] },
    },
  };
}

function profile(alerts: readonly number[], behaviours: readonly Behaviour[]): BehaviourProfile {
  return {
    ...withDefaults('BehaviourProfile', {
      ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'main' },
      behaviours: [...behaviours],
    }),
    alerts: [...alerts],
  };
}

function learned(alerts: readonly number[], behaviours: readonly Behaviour[]) {
  const losses: string[] = [];
  const [left] = withoutSuspects([profile(alerts, [background, ...behaviours])], {
    lose: what => losses.push(what),
  });
  return { objects: left!.behaviours.slice(1).map(({ object }) => object), losses };
}

describe('what happened around alerts', () => {
  it('is left out and reported, when it was seen around alerts only', () => {
    const { objects, losses } = learned([5000], [seen('/bin/sh', 4998, 5001), seen('/bin/app', 4000)]);
    expect(objects).toEqual(['/bin/app']);
    expect(losses).toEqual([expect.stringContaining('EXEC /bin/sh')]);
  });

  it('is learned once it is seen apart from them, before or after', () => {
    expect(learned([5000], [seen('/bin/a', 4990, 5000), seen('/bin/b', 5000, 5010)]).objects).toEqual([
      ...['/bin/a', '/bin/b'],
    ]);
  });

  it('is left out when it came again with the next alert', () => {
    expect(learned([5000, 9000], [seen('/bin/sh', 5000, 9001)]).objects).toEqual([]);
  });

  it('is learned when it was also seen on a day without any', () => {
    const often = seen('/bin/often', 5000, 9001);
    const days = { ...often, evidence: { ...often.evidence, days: [3, 5, 6] } };
    expect(learned([5000, 9000], [days]).objects).toEqual(['/bin/often']);
  });

  it('is learned when alerts are everywhere: then they tell nothing, and that is reported', () => {
    const alerts = Array.from({ length: 1000 }, (_, i) => i * 14);
    const { objects, losses } = learned(alerts, [seen('/bin/sh', 14)]);
    expect(objects).toEqual(['/bin/sh']);
    expect(losses).toEqual([expect.stringContaining('so often')]);
  });

  it('is of the whole workload: an alert of one container counts for another', () => {
    const shell = profile([5000], [background]);
    const wire = { ...profile([], [seen('/bin/curl', 5001)]), container: '' };
    const left = withoutSuspects([shell, wire], { lose: () => {} });
    expect(left.map(({ behaviours }) => behaviours.length)).toEqual([1, 0]);
  });

  it('changes nothing where there was no alert', () => {
    const given = [profile([], [background])];
    expect(withoutSuspects(given, { lose: () => {} })).toBe(given);
  });
});
