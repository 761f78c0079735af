import process from 'node:process';
import { classify } from '#errors';
import { fetchArtifacts } from './artifacts.ts';
import { fetchRedis } from './redis-package.ts';

/** Fetches what the local stack runs, so that a later start needs no network. */
try {
  const report = (line: string) => process.stderr.write(`${line}\n`);
  await fetchArtifacts({ report });
  // Jobs alone need it.
  await fetchRedis({ report }).catch(error => report(classify(error).message));
} catch (error) {
  process.stderr.write(`${classify(error).message}\n`);
  process.exitCode = 4;
}
