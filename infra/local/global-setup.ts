import type { TestProject } from 'vitest/node';
import { startStack } from './start-stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `127.0.0.1:…` of a broker that lives as long as the test run. */
    bootstrapServers: string;
    /** Base of the registry's Confluent-compatible API. */
    registryUrl: string;
  }
}

/** Gives every test file one real broker and registry, and takes them away after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await startStack({ ephemeral: true, report: line => process.stderr.write(`${line}\n`) });
  project.provide('bootstrapServers', stack.bootstrapServers);
  project.provide('registryUrl', stack.registryUrl);
  return stack.stop;
}
