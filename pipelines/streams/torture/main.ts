/** `make torture`: node main.ts [--kills 50] [--broker-kills 5] [--seed N]. Ends with 1 when anything was violated. */

import { randomInt } from 'node:crypto';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { torture } from './run-torture.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    'broker-kills': { type: 'string', default: '5' },
    seed: { type: 'string', default: `${randomInt(2 ** 32)}` },
    rate: { type: 'string', default: '2000' },
  },
});
const say = (line: string) => void process.stderr.write(`${line}\n`);
const shown = 20;

say(`seed ${values.seed}`);
const report = await torture({
  kills: Number(values.kills),
  brokerKills: Number(values['broker-kills']),
  seed: Number(values.seed),
  ratePerSecond: Number(values.rate),
  livesMs: [200, 6_000],
  report: say,
});
for (const { guarantee, kills, underFire, violations, outputs, repeated, audits } of report.runs) {
  const what = `killed ${kills} times, ${underFire} of ${report.words} words counted meanwhile, ${outputs} outputs, ${repeated} repeated, state compared ${audits} times`;
  say(
    `${guarantee}: ${what}: ${violations.length === 0 ? 'nothing is wrong' : `${violations.length} violations`}`,
  );
  for (const violation of violations.slice(0, shown)) say(`  ${violation}`);
}
process.stdout.write(`${JSON.stringify({ torture: report })}\n`);
process.exitCode = report.ok ? 0 : 1;
