import { expect, it } from 'vitest';
import { addressOf, endpointOf } from './listen-address.ts';

it.each([
  ['8080', '127.0.0.1', 8080],
  [':8080', '127.0.0.1', 8080],
  ['0', '127.0.0.1', 0],
  ['0.0.0.0:8080', '0.0.0.0', 8080],
  ['localhost:1', 'localhost', 1],
  ['[::1]:8080', '::1', 8080],
])('%s listens at %s, port %i', (listen, host, port) => {
  expect(addressOf(listen)).toEqual({ host, port });
});

it.each(['', 'host', 'host:', '127.0.0.1:70000', 'a b:1', '::1:80', 'http://a:1', '-1'])(
  '%j is no address to listen at',
  listen => {
    expect(() => addressOf(listen)).toThrow(/is no address to listen at/);
  },
);

it('others are told where it listens, or what is advertised, with the port it has', () => {
  const at = { host: '127.0.0.1', port: 4711 };
  expect(endpointOf(at)).toBe('127.0.0.1:4711');
  expect(endpointOf({ host: '::1', port: 4711 })).toBe('[::1]:4711');
  expect(endpointOf(at, 'pod-1.enrich')).toBe('pod-1.enrich:4711');
  expect(endpointOf(at, 'pod-1.enrich:80')).toBe('pod-1.enrich:80');
  expect(endpointOf(at, '[fe80::1]')).toBe('[fe80::1]:4711');
  expect(endpointOf(at, '[fe80::1]:80')).toBe('[fe80::1]:80');
  expect(endpointOf(at, '')).toBe('127.0.0.1:4711');
});

it('an address that leads nowhere is not advertised', () => {
  expect(() => endpointOf({ host: '0.0.0.0', port: 1 })).toThrow(/advertised/);
  expect(() => endpointOf({ host: '::', port: 1 })).toThrow(/advertised/);
  expect(endpointOf({ host: '0.0.0.0', port: 1 }, 'here')).toBe('here:1');
  expect(() => endpointOf({ host: '127.0.0.1', port: 1 }, 'http://here:1')).toThrow(/cannot be advertised/);
});
