/** Scenarios through Kafka Streams' own test driver. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { javaProgram } from '../../../infra/local/java-program.ts';
import type { Scenario, ScenarioResult } from './scenario.ts';

const folder = join(import.meta.dirname, 'jvm');

/** One result a scenario, in their order. Errors: UNREACHABLE without a JDK or the jars; what the JVM said when it fails. */
export async function runKafkaStreams(scenarios: readonly Scenario[]): Promise<readonly ScenarioResult[]> {
  const { java, classPath } = await javaProgram({
    name: 'streams-parity',
    says: 'the comparison with Kafka Streams (94 MB)',
    pom: join(folder, 'pom.xml'),
    source: join(folder, 'Parity.java'),
    report: line => console.warn(line),
  });
  const child = spawn(java, ['-Xmx512m', '-cp', classPath, 'Parity'], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const closed = new Promise<number | null>(resolve => child.once('close', resolve));
  child.stdin.on('error', () => {}); // It says why it ended itself.
  child.stdin.end(scenarios.map(scenario => `${JSON.stringify(scenario)}\n`).join(''));
  const results: ScenarioResult[] = [];
  for await (const line of createInterface({ input: child.stdout })) results.push(JSON.parse(line));
  const code = await closed;
  if (code !== 0)
    throw new Error(`Kafka Streams ended with ${code} after ${results.length} scenarios: ${said}`);
  return results;
}
