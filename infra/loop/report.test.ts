import { describe, expect, it } from 'vitest';
import { type AttackResult, faults, type LoopResult, lost, summary, table } from './report.ts';

const alert = {
  policyId: 'p',
  ruleId: 'file/default',
  generation: 2,
  container: 'nginx',
  delayMs: 90,
  attributed: true,
};
const attack = (phase: AttackResult['phase'], change: Partial<AttackResult> = {}): AttackResult =>
  phase === 'control'
    ? { name: 'shadow', phase, outcome: 'succeeded', error: '', ...change }
    : { name: 'shadow', phase, outcome: 'denied', error: 'Permission denied', alert, ...change };
const good: LoopResult = {
  learnedEvents: 900,
  policies: 2,
  rules: 40,
  benignDrives: 2,
  benignDenials: 0,
  attacks: [attack('control'), attack('enforced'), attack('orphaned')],
  adopted: true,
  emitted: 1000,
  arrived: 988,
  spooled: 2,
  dropped: { restart: 10 },
  seconds: 60,
};

describe('the report of the loop', () => {
  it('finds no fault in a loop that holds, and counts it in its last line', () => {
    expect(faults(good)).toEqual([]);
    expect(JSON.parse(summary(good))).toMatchObject({
      benignDenials: 0,
      attacksDenied: 2,
      alertsAttributed: 2,
      lost: 0,
      holds: true,
    });
    expect(table(good)).toContain('numbers given out 1000 = arrived 988 + held 2 + dropped (restart) 10');
  });

  const bad: [string, Partial<LoopResult>][] = [
    ['a benign denial', { benignDenials: 1 }],
    [
      'an attack that gets through',
      { attacks: [attack('control'), attack('enforced', { outcome: 'succeeded' }), attack('orphaned')] },
    ],
    [
      'a denial that is not a permission error',
      { attacks: [attack('control'), attack('enforced', { error: 'No such file' }), attack('orphaned')] },
    ],
    [
      'an attack that could not have worked anyway',
      { attacks: [attack('control', { outcome: 'failed' }), attack('enforced'), attack('orphaned')] },
    ],
    [
      'an attack without an alert',
      {
        attacks: [
          attack('control'),
          { ...attack('enforced'), alert: undefined } as AttackResult,
          attack('orphaned'),
        ],
      },
    ],
    [
      'an alert that names the wrong rule',
      {
        attacks: [
          attack('control'),
          attack('enforced', { alert: { ...alert, attributed: false } }),
          attack('orphaned'),
        ],
      },
    ],
    [
      'a late alert',
      {
        attacks: [
          attack('control'),
          attack('enforced', { alert: { ...alert, delayMs: 2001 } }),
          attack('orphaned'),
        ],
      },
    ],
    ['a phase without attacks', { attacks: [attack('control'), attack('enforced')] }],
    ['a loss without a number', { arrived: 987 }],
    ['a number that arrived although it was declared dropped', { arrived: 989 }],
    ['state that was not adopted', { adopted: false }],
    ['nothing learned', { learnedEvents: 0 }],
  ];
  it.each(bad)('does not hold with %s', (_, change) => {
    const result = { ...good, ...change };
    expect(faults(result)).not.toEqual([]);
    expect(JSON.parse(summary(result)).holds).toBe(false);
  });

  it('counts as lost what neither arrived nor was declared', () => {
    expect(lost({ ...good, arrived: 900 })).toBe(88);
  });
});
