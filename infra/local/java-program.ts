/** A program of one Java file: its jars from Maven Central and the file compiled, in the cache that every checkout shares. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { chooseJdk, findJdks } from './jdk.ts';
import { maven } from './maven.ts';
import { obtain } from './obtain.ts';
import { requiredJava } from './versions.ts';

export interface JavaSource {
  /** Names its folder in the cache. */
  readonly name: string;
  /** For people: `the bench against Kafka Streams`. */
  readonly says: string;
  /** Paths of the file that names its jars, and of the one that is the program. */
  readonly pom: string;
  readonly source: string;
  /** Told what takes long, one line each. */
  readonly report: (line: string) => void;
}

export interface JavaProgram {
  readonly java: string;
  /** Feature release of the JDK: 17, 21, 25. */
  readonly version: number;
  readonly classPath: string;
}

const run = promisify(execFile);

/** Resolves once it can be run. Errors: UNREACHABLE when a JDK, Maven or the network is missing, with the mend. */
export async function javaProgram({ name, says, pom, source, report }: JavaSource): Promise<JavaProgram> {
  const jdk = chooseJdk(await findJdks(), { part: says, version: requiredJava.broker });
  const hash = createHash('sha256');
  for (const path of [pom, source]) hash.update(await readFile(path));
  const digest = hash.digest('hex').slice(0, 8);
  const folder = join(hostPaths().cache, `${name}-${digest}-java${jdk.version}`);
  const fill = async (draft: string) => {
    const jars = join(draft, 'lib');
    await maven(says, ['-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]);
    await compile({ java: jdk.java, classPath: join(jars, '*'), source, classes: join(draft, 'classes') });
  };
  await obtain({ folder, says, fill }, report);
  const classPath = `${join(folder, 'classes')}:${join(folder, 'lib', '*')}`;
  return { java: jdk.java, version: jdk.version, classPath };
}

async function compile({
  java,
  classPath,
  source,
  classes,
}: {
  readonly java: string;
  readonly classPath: string;
  readonly source: string;
  readonly classes: string;
}): Promise<void> {
  await mkdir(classes);
  const javac = join(dirname(java), 'javac');
  try {
    await run(javac, ['-Xlint:all', '-Werror', '-cp', classPath, '-d', classes, source]);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr || error).trim();
    throw new SluiceError(
      'UNREACHABLE',
      `${javac} could not compile ${source}. Is it a whole JDK, not only a runtime? It said: ${said}`,
      { cause: error },
    );
  }
}
