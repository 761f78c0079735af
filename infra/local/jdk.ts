/**
 * Finding a Java to run on.
 *
 * Owns: where to look, asking each one its version, choosing. Does not own: running anything on it.
 */

import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type HostPaths, hostPaths } from '#config';
import { SluiceError } from '#errors';

export interface Jdk {
  /** Path of the `java` program. */
  readonly java: string;
  /** Feature release: 17, 21, 25. */
  readonly version: number;
}

/** What must run on it, for the error's words. */
export interface JavaNeed {
  readonly part: string;
  readonly version: number;
}

const run = promisify(execFile);
const answerWithinMs = 20_000;
const installed = '/usr/lib/jvm';

/** Every Java of JAVA_HOME, the usual folder and PATH that says its version; the newest first. */
export async function findJdks(
  paths: HostPaths = hostPaths(),
  folder: string = installed,
): Promise<readonly Jdk[]> {
  const homes = [paths.javaHome, ...(await readdir(folder).catch(() => [])).map(name => join(folder, name))];
  const candidates = [
    ...homes.filter(home => home !== undefined).map(home => join(home, 'bin', 'java')),
    ...paths.executables.map(executables => join(executables, 'java')),
  ];
  const real = await Promise.all(candidates.map(java => realpath(java).catch(() => undefined)));
  const found = await Promise.all([...new Set(real)].filter(java => java !== undefined).map(askVersion));
  return found.filter(jdk => jdk !== undefined).sort((a, b) => b.version - a.version);
}

/** The newest Java that fits. Errors: UNREACHABLE, naming what was found and what mends it. */
export function chooseJdk(jdks: readonly Jdk[], need: JavaNeed): Jdk {
  const newest = jdks[0];
  if (newest !== undefined && newest.version >= need.version) return newest;
  const found =
    newest === undefined
      ? 'none was found in JAVA_HOME, /usr/lib/jvm or PATH'
      : `the newest found is Java ${newest.version} (${newest.java})`;
  throw new SluiceError(
    'UNREACHABLE',
    `The ${need.part} needs Java ${need.version} or later; ${found}. ` +
      `Install a JDK of ${need.version} or later under /usr/lib/jvm, or point JAVA_HOME at one`,
  );
}

/** Reads the feature release out of what `java -version` prints: `"25.0.1"`, `"1.8.0_402"`; undefined when it is not there. */
export function parseJavaVersion(text: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

async function askVersion(java: string): Promise<Jdk | undefined> {
  try {
    const { stderr, stdout } = await run(java, ['-version'], { timeout: answerWithinMs });
    const version = parseJavaVersion(stderr + stdout);
    return version === undefined ? undefined : { java, version };
  } catch {
    return undefined;
  }
}
