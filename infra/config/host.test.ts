import { expect, test } from 'vitest';
import { hostPaths } from './host.ts';

test('the cache is where XDG says, else in the home folder', () => {
  expect(hostPaths({ XDG_CACHE_HOME: '/var/cache/x' }).cache).toBe('/var/cache/x/sluice');
  expect(hostPaths({ XDG_CACHE_HOME: '' }).cache).toMatch(/^\/.*\/\.cache\/sluice$/);
});

test('empty entries of PATH are not the current folder', () => {
  expect(hostPaths({ PATH: '/a::/b:' }).executables).toEqual(['/a', '/b']);
  expect(hostPaths({})).toMatchObject({ executables: [], javaHome: undefined });
});
