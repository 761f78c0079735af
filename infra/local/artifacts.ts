/**
 * The programs of the local stack, from Maven Central, in the cache that every checkout shares.
 *
 * Invariant: a folder's name carries the version and, where a file here decides what is in it, that file's digest: it never
 * goes stale.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { maven } from './maven.ts';
import { obtain } from './obtain.ts';
import { versions } from './versions.ts';

export interface Artifacts {
  /** Folder of the jars of the broker and its tools. */
  readonly kafkaJars: string;
  /** Folder of the registry's runnable application. */
  readonly registryApp: string;
}

export interface FetchOptions {
  /** Absent: `$XDG_CACHE_HOME/sluice`. */
  readonly cache?: string;
  /** Told what takes long, one line each. */
  readonly report: (line: string) => void;
}

const pom = join(import.meta.dirname, 'kafka', 'pom.xml');

/** Resolves with where the programs are, after fetching what the cache lacks. Errors: UNREACHABLE with the mend. */
export async function fetchArtifacts({
  cache = hostPaths().cache,
  report,
}: FetchOptions): Promise<Artifacts> {
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 8);
  const kafkaJars = join(cache, `kafka-${versions.kafka}-${digest}`);
  const registryApp = join(cache, `registry-${versions.registry}`);
  await obtain(
    { folder: kafkaJars, says: `Apache Kafka ${versions.kafka} (55 MB) from Maven Central`, fill: fillKafka },
    report,
  );
  await obtain(
    {
      folder: registryApp,
      says: `Apicurio Registry ${versions.registry} (158 MB) from Maven Central`,
      fill: fillRegistry,
    },
    report,
  );
  return { kafkaJars, registryApp };
}

async function fillKafka(folder: string): Promise<void> {
  await maven(`Apache Kafka ${versions.kafka}`, [
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${folder}`,
  ]);
}

async function fillRegistry(folder: string): Promise<void> {
  const download = join(folder, 'download');
  await mkdir(download);
  await maven(`Apicurio Registry ${versions.registry}`, [
    'dependency:copy',
    `-Dartifact=io.apicurio:apicurio-registry-app:${versions.registry}:tar.gz:all`,
    `-DoutputDirectory=${download}`,
  ]);
  await unpack(join(download, `apicurio-registry-app-${versions.registry}-all.tar.gz`), folder);
  await rm(download, { recursive: true });
}

async function unpack(archive: string, folder: string): Promise<void> {
  const child = spawn('tar', ['-xzf', archive, '-C', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  const code = await new Promise(resolve => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new SluiceError('UNREACHABLE', `tar could not unpack ${archive}: ${said.trim() || code}`);
}
