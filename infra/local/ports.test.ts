import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { freePorts, isFree, requireFree } from './ports.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function occupy(port: number, host: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>(resolve => server.listen({ port, host }, resolve));
}

test('free ports are different, free, and out of the range of outgoing connections', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) {
    expect(port).toBeLessThan(32_768);
    expect(await isFree(port)).toBe(true);
  }
});

test.each(['127.0.0.1', '0.0.0.0'])(
  'a port taken on %s is an error that names it, its holder and the mend',
  async host => {
    const [port] = (await freePorts(1)) as [number];
    await occupy(port, host);
    const refused = requireFree(port, 'broker', 'choose another port with --broker-port');
    await expect(refused).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(
        new RegExp(`Port ${port} .* broker, is taken by pid ${process.pid} \\(.*\\)\\. .*--broker-port`),
      ),
    });
  },
);

test('a free port passes', async () => {
  const [port] = (await freePorts(1)) as [number];
  await requireFree(port, 'broker', 'x');
  expect(await isFree(port)).toBe(true);
});
