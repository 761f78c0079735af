import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ask, keys, settled, setUp, shared } from './query-bench.ts';

describe('a server', () => {
  it('asks for the token, except about its health, and lets members in without showing it', async () => {
    const { send, start } = await setUp();
    const token = 'a token of some length';
    const [one, two] = [await start({ token }), await start({ token })];
    await shared([one.streams, two.streams]);
    await send(keys.map(key => [key, 'x']));
    await settled([one.streams, two.streams], keys.length);
    const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
    for (const path of ['/metrics', '/stores', '/stores/counts', '/group', '/topology', '/nowhere'])
      expect(await ask(one.server, path)).toMatchObject({ status: 401 });
    expect(await ask(one.server, '/stores/counts', bearer('another'))).toMatchObject({ status: 401 });
    expect(await ask(one.server, '/health')).toMatchObject({ status: 200 });
    const whole = await ask(one.server, '/stores/counts', bearer(token));
    expect(whole.body).toMatchObject({ entries: keys.map(key => ({ key })) });
  });

  it('lets members in whatever the key and the store are called', async () => {
    const { send, start } = await setUp();
    const token = 'secret';
    const [one, two] = [await start({ token }), await start({ token })];
    await shared([one.streams, two.streams]);
    const odd = [
      "it's",
      '[x]',
      'a+b&c=d',
      '~!*()',
      'a/b?c#d',
      'ü ß',
      '%41',
      '"<>`{}|\\^',
      '日本',
      'a;b:c@d,e$',
    ];
    await send(odd.map(key => [key, 'x']));
    await settled([one.streams, two.streams], odd.length);
    const headers = { authorization: `Bearer ${token}` };
    for (const { server } of [one, two]) {
      for (const key of odd) {
        const path = `/stores/counts/keys/${encodeURIComponent(key)}`;
        expect((await ask(server, path, { headers })).body).toMatchObject({ key, value: 1 });
        const range = `/stores/counts?from=${encodeURIComponent(key)}&limit=1`;
        expect((await ask(server, range, { headers })).body).toMatchObject({ entries: [{ key }] });
      }
    }
  });

  it('does not answer a web page that came by a name of its own', async () => {
    const { start } = await setUp();
    const { server } = await start();
    const port = server.endpoint.split(':')[1];
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asking = request({ host: '127.0.0.1', port, path: '/stores', headers: { host } }, response => {
          response.resume();
          resolve(response.statusCode);
        });
        asking.once('error', reject).end();
      });
    expect(await statusFor(`attacker.example:${port}`)).toBe(403);
    expect(await statusFor(`localhost:${port}`)).toBe(200);
    expect(await statusFor(`[::1]:${port}`)).toBe(200);
  });
});
