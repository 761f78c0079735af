import { describe, expect, it } from 'vitest';
import { torture } from './run-torture.ts';

describe('streams whose processes and broker are killed with -9, again and again', () => {
  it('count each record once in their state, and in their output as often as they guarantee', async () => {
    const lines: string[] = [];
    const report = await torture({
      ...{ kills: 8, brokerKills: 1, seed: 20_261, ratePerSecond: 1_500, livesMs: [200, 4_500] },
      report: line => void lines.push(line),
    });
    for (const run of report.runs) {
      expect(run.violations, lines.join('\n')).toEqual([]);
      // Otherwise everything was counted in peace, after the last kill.
      expect(run.underFire).toBeGreaterThan(0);
      expect(run.audits).toBeGreaterThan(1);
    }
    expect(report.runs.map(({ guarantee }) => guarantee)).toEqual(['at-least-once', 'exactly-once']);
    expect(report.runs[1]!.repeated).toBe(0);
    expect(report.brokerKills).toBe(1);
  }, 180_000);
});
