/** Builds what an API server here consists of (`node infra/kube/setup.ts`), so that a later start takes seconds. */

import process from 'node:process';
import { classify } from '#errors';
import { ciliumDefinitions } from './definitions.ts';
import { kubePrograms } from './programs.ts';

const report = (line: string) => void process.stderr.write(`${line}\n`);
try {
  await kubePrograms(report);
  await ciliumDefinitions(report);
} catch (error) {
  report(`kube: ${classify(error).message}`);
  process.exitCode = 4;
}
