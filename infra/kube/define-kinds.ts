import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import type { KubeClient, KubeObject } from './kube-client.ts';

const lookAgainMs = 50;
const servedWithinMs = 30_000;

interface Defined {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Resolves when the server serves the kinds. Errors: BUG with the server's words when it refuses one, TIMEOUT. */
export async function defineKinds(client: KubeClient, definitions: readonly KubeObject[]): Promise<void> {
  for (const definition of definitions) {
    const { status, body } = await client.create(definition);
    if (status !== 201)
      throw new SluiceError('BUG', `${definition.metadata.name} was refused: ${JSON.stringify(body)}`);
  }
  const deadline = performance.now() + servedWithinMs;
  for (const definition of definitions) {
    while (!isServed((await client.read(definition)).body as Defined)) {
      if (performance.now() > deadline)
        throw new SluiceError(
          'TIMEOUT',
          `${definition.metadata.name} is not served within ${servedWithinMs / 1000} s`,
        );
      await sleep(lookAgainMs);
    }
  }
}

function isServed({ status }: Defined): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false;
}
