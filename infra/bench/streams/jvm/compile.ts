/** The Kafka Streams contestant as classes: its jars from Maven Central and its one file compiled, in the shared cache. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { obtain } from '../../../local/artifacts.ts';
import { chooseJdk, findJdks } from '../../../local/jdk.ts';
import { maven } from '../../../local/maven.ts';
import { requiredJava, versions } from '../../../local/versions.ts';

export interface JvmProgram {
  readonly java: string;
  /** Feature release of the JDK: 17, 21, 25. */
  readonly version: number;
  readonly classPath: string;
}

const run = promisify(execFile);
const pom = join(import.meta.dirname, 'pom.xml');
const source = join(import.meta.dirname, 'Contestant.java');

/** Resolves once it can be run. Errors: UNREACHABLE when a JDK, Maven or the network is missing, with the mend. */
export async function compileJvm(report: (line: string) => void): Promise<JvmProgram> {
  const jdk = chooseJdk(await findJdks(), {
    part: 'bench against Kafka Streams',
    version: requiredJava.broker,
  });
  const digest = createHash('sha256')
    .update(await readFile(pom))
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 8);
  const folder = join(hostPaths().cache, `streams-bench-${versions.kafka}-${digest}-java${jdk.version}`);
  const fill = async (draft: string) => {
    const jars = join(draft, 'lib');
    await maven(`Kafka Streams ${versions.kafka}`, [
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${jars}`,
    ]);
    await compile(jdk.java, join(jars, '*'), join(draft, 'classes'));
  };
  await obtain({ folder, says: `Kafka Streams ${versions.kafka} (94 MB)`, fill }, report);
  const classPath = `${join(folder, 'classes')}:${join(folder, 'lib', '*')}`;
  return { java: jdk.java, version: jdk.version, classPath };
}

async function compile(java: string, classPath: string, classes: string): Promise<void> {
  await mkdir(classes);
  const javac = join(dirname(java), 'javac');
  try {
    await run(javac, ['-Xlint:all', '-Werror', '-cp', classPath, '-d', classes, source]);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim();
    throw new SluiceError(
      'UNREACHABLE',
      `${javac} could not compile ${source}. Is it a whole JDK, not only a runtime? It said: ${said}`,
      { cause: error },
    );
  }
}
