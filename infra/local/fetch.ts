import process from 'node:process';
import { classify } from '#errors';
import { fetchArtifacts } from './artifacts.ts';

/** Fetches what the local stack runs, so that a later start needs no network. */
try {
  await fetchArtifacts({ report: line => process.stderr.write(`${line}\n`) });
} catch (error) {
  process.stderr.write(`${classify(error).message}\n`);
  process.exitCode = 4;
}
