/**
 * The programs of the local stack, from Maven Central, in a cache that every checkout shares.
 *
 * Invariants:
 * A1 A folder of the cache is whole or absent: it is filled beside its place and then renamed into it.
 * A2 Its name carries the version and, where a file here decides what is in it, that file's digest: it never goes stale.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { withLock } from './lock.ts';
import { maven } from './maven.ts';
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

export interface Artifact {
  readonly folder: string;
  readonly says: string;
  readonly fill: (folder: string) => Promise<void>;
}

const anotherFetchesMs = 600_000;
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
    { folder: kafkaJars, says: `Apache Kafka ${versions.kafka} (55 MB)`, fill: fillKafka },
    report,
  );
  await obtain(
    { folder: registryApp, says: `Apicurio Registry ${versions.registry} (158 MB)`, fill: fillRegistry },
    report,
  );
  return { kafkaJars, registryApp };
}

/** Fills a folder of the cache, unless it is there (A1). Errors: those of `fill`. */
export async function obtain(
  { folder, says, fill }: Artifact,
  report: (line: string) => void,
): Promise<void> {
  if (await isThere(folder)) return;
  const onWait = (pid: number) => report(`waiting for process ${pid}, which fetches ${says}`);
  await withLock({ path: `${folder}.lock`, waitMs: anotherFetchesMs, onWait }, async () => {
    if (await isThere(folder)) return;
    report(`fetching ${says} from Maven Central, once for all checkouts`);
    const started = performance.now();
    const draft = await mkdtemp(`${folder}.draft-`);
    try {
      await fill(draft);
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    report(`fetched ${says} into ${folder} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  });
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

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() === true;
}
