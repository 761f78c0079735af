import { join } from 'node:path';
import { type JavaProgram, javaProgram } from '../../../local/java-program.ts';
import { versions } from '../../../local/versions.ts';

/** The Kafka Streams contestant, ready to run. Errors: UNREACHABLE when a JDK, Maven or the network is missing, with the mend. */
export function compileJvm(report: (line: string) => void): Promise<JavaProgram> {
  return javaProgram({
    name: `streams-bench-${versions.kafka}`,
    says: `Kafka Streams ${versions.kafka} (94 MB)`,
    pom: join(import.meta.dirname, 'pom.xml'),
    source: join(import.meta.dirname, 'Contestant.java'),
    report,
  });
}
