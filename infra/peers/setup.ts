/** Builds the programs to compare with (`node infra/peers/setup.ts`), so that a later comparison takes seconds. */

import process from 'node:process';
import { classify } from '#errors';
import { judgesProgram } from './judges.ts';

const report = (line: string) => void process.stderr.write(`${line}\n`);
try {
  await judgesProgram(report);
} catch (error) {
  report(`peers: ${classify(error).message}`);
  process.exitCode = 4;
}
