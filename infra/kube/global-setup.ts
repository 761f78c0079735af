import type { TestProject } from 'vitest/node';
import { startApiServer } from './api-server.ts';
import { defineKinds } from './define-kinds.ts';
import { ciliumDefinitions, kubeArmorDefinitions } from './definitions.ts';
import { type KubeAccess, KubeClient } from './kube-client.ts';
import { kubePrograms } from './programs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of an API server that lives as long as the test run and knows the kinds of KubeArmor and Cilium. */
    kubeAccess: KubeAccess;
    /** Who says what KubeArmor's kinds are. */
    kubeArmorSource: string;
  }
}

/** Gives every test file one real API server, and takes it away after the last. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = (line: string) => void process.stderr.write(`${line}\n`);
  const server = await startApiServer(await kubePrograms(report));
  try {
    const client = new KubeClient(server.access);
    const [kubeArmor, cilium] = [await kubeArmorDefinitions(), await ciliumDefinitions(report)];
    await defineKinds(client, [...kubeArmor.objects, ...cilium.objects]);
    report(`kube: KubeArmor's kinds as defined by ${kubeArmor.source}; Cilium's by ${cilium.source}`);
    project.provide('kubeAccess', server.access);
    project.provide('kubeArmorSource', kubeArmor.source);
    return () => server.stop();
  } catch (error) {
    await server.stop();
    throw error;
  }
}
