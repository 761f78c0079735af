import { createServer } from 'node:net';
import { SluiceError } from '#errors';
import { portHolder } from './port-holder.ts';

export const loopback = '127.0.0.1';

/**
 * Below the range that systems give to outgoing connections (32768 on Linux, 49152 elsewhere), so that no connection
 * takes the port between finding and using it.
 */
const lowest = 20_000;
const highest = 32_000;

/** Different ports of the loopback address that nothing listens on. Another process may still take one before it is used. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Errors: UNREACHABLE, naming the port, who holds it where that can be known, and the mend. */
export async function requireFree(port: number, purpose: string, mend: string): Promise<void> {
  if (await isFree(port)) return;
  const holder = await portHolder(port);
  throw new SluiceError(
    'UNREACHABLE',
    `Port ${port} of ${loopback}, wanted for the ${purpose}, is taken by ${holder ?? 'another process'}. End it, or ${mend}`,
  );
}
