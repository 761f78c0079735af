/**
 * Scores `sluice discover` on cases with known expectations (`node infra/cases/main.ts FOLDER`, `make cases CASES=FOLDER`):
 * a folder `cluster.yaml` of objects, and for each case one of recorded flows or logs (JSON) and expected policies (YAML).
 *
 * Standard output is a line a case and what is to be explained of it; the last line is one JSON object.
 * Exit code 1: something seen is denied, or something neither seen nor expected is admitted. 2: no such folder.
 */

import process from 'node:process';
import { classify } from '#errors';
import { isFailed, linesOf, runCases } from './run.ts';

function main([folder]: readonly string[]): number {
  if (!folder) {
    process.stderr.write('name the folder of cases: node infra/cases/main.ts FOLDER\n');
    return 2;
  }
  const total = { cases: 0, failed: 0, seen: 0, denied: 0, probes: 0, admitted: 0, bySource: 0 };
  for (const result of runCases(folder)) {
    for (const line of linesOf(result)) process.stdout.write(`${line}\n`);
    const { seen, denied, probes, admitted, bySource } = result.score;
    total.cases += 1;
    total.failed += Number(isFailed(result));
    total.seen += seen;
    total.denied += denied.length;
    total.probes += probes;
    total.admitted += admitted.length;
    total.bySource += bySource.length;
  }
  process.stdout.write(`${JSON.stringify(total)}\n`);
  return total.failed > 0 ? 1 : 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  const { message, code } = classify(error);
  process.stderr.write(`${message}\n`);
  process.exitCode = code === 'CONFIG_INVALID' ? 2 : 1;
}
