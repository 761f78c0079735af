import { expect, it } from 'vitest';
import { testDriver } from '../index.ts';
import { connectionsByOwner } from './connections-by-owner.ts';

it('gives each connection to who had the address then, wherever the workload is counted, over a crash', () => {
  const driver = testDriver(connectionsByOwner, { partitions: 3 });
  const owns = (value: string, timestampMs: number) =>
    driver.pipe('owners', { key: '10.0.0.7', value, timestampMs });
  const connects = (timestampMs: number) =>
    driver.pipe('connections', { key: '10.0.0.7', value: { port: 443 }, timestampMs });
  owns('web', 1_000);
  connects(2_000);
  owns('batch', 5_000);
  connects(4_900);
  driver.crashAt('after-produce');
  connects(5_100);
  driver.recover();
  // Who waits goes on with the time of those that wait.
  connects(9_000);
  expect(driver.read('counts').map(({ key, value }) => [key, value])).toEqual([
    ['web to port 443', 1],
    ['web to port 443', 2],
    ['batch to port 443', 1],
  ]);
});
