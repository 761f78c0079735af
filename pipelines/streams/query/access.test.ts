import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../driver/manual-clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { Access } from './access.ts';
import { askPeers } from './peers.ts';

const token = 'the token of the group';
const statusOf = (check: () => void): number => {
  try {
    check();
    return 200;
  } catch (error) {
    return (error as { status: number }).status;
  }
};

describe('a ticket', () => {
  const clock = manualClock(1_000_000);
  const mine = new Access({ token, hosts: [], clock });
  const asks = (access: Access, path: string, headers: Readonly<Record<string, string>>) =>
    statusOf(() => access.check(path, headers));

  it('lets a member ask what it was made for, for a minute, and nothing else', () => {
    const ticket = mine.ticket('/stores/counts?limit=1');
    expect(asks(mine, '/stores/counts?limit=1', ticket)).toBe(200);
    expect(asks(mine, '/stores/counts?limit=2', ticket)).toBe(401);
    const later = (ms: number) => new Access({ token, hosts: [], clock: { now: () => clock.now() + ms } });
    expect(asks(later(59_999), '/stores/counts?limit=1', ticket)).toBe(200);
    expect(asks(later(60_001), '/stores/counts?limit=1', ticket)).toBe(401);
    expect(asks(later(-60_001), '/stores/counts?limit=1', ticket)).toBe(401);
  });

  it('of another token is worth nothing, and its time cannot be changed', () => {
    const other = new Access({ token: 'another', hosts: [], clock });
    expect(asks(mine, '/group', other.ticket('/group'))).toBe(401);
    const { authorization = '' } = mine.ticket('/group');
    const later = authorization.replace('1060000.', '1060001.');
    expect(later).not.toBe(authorization);
    expect(asks(mine, '/group', { authorization: later })).toBe(401);
    expect(asks(mine, '/group', { authorization: authorization.slice(0, -1) })).toBe(401);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    token,
    'Sluice-Ticket',
    'Sluice-Ticket 1060000',
    'Sluice-Ticket NaN.x',
  ])('is not %j', authorization => {
    expect(asks(mine, '/group', { authorization })).toBe(401);
    expect(asks(mine, '/group', { authorization: `Bearer ${token}` })).toBe(200);
    expect(asks(mine, '/group', { authorization: `bearer ${token}` })).toBe(200);
  });
});

it('a member that advertises an address of its own gets no token to see', async () => {
  const seen: string[] = [];
  const rogue = createServer((request, response) => {
    seen.push(JSON.stringify(request.headers));
    response.end('{}');
  });
  await new Promise<void>(resolve => rogue.listen(0, '127.0.0.1', resolve));
  const ask = askPeers({ access: new Access({ token, hosts: [], clock: systemClock }), clock: systemClock });
  await ask(`127.0.0.1:${(rogue.address() as AddressInfo).port}`, '/stores/counts/keys/a');
  expect(seen).toHaveLength(1);
  expect(seen[0]).not.toContain(token);
  expect(seen[0]).toContain('Sluice-Ticket');
  await new Promise(resolve => rogue.close(resolve));
});

it.each(['user@host:1', 'host', 'host:1/path', 'http://host:1', 'host:1?x', 'host:1#', ':1', ''])(
  'a member at %j is not asked',
  async endpoint => {
    const ask = askPeers({
      access: new Access({ token: null, hosts: [], clock: systemClock }),
      clock: systemClock,
    });
    await expect(ask(endpoint, '/group')).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('no host:port'),
    });
  },
);

it('a member that never answers is given up', async () => {
  const silent = createServer(() => {});
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const clock = manualClock(0);
  const ask = askPeers({ access: new Access({ token: null, hosts: [], clock }), clock });
  const asking = ask(`127.0.0.1:${(silent.address() as AddressInfo).port}`, '/group');
  clock.advance(5_000);
  await expect(asking).rejects.toMatchObject({ code: 'UNREACHABLE' });
  silent.closeAllConnections();
  await new Promise(resolve => silent.close(resolve));
});
