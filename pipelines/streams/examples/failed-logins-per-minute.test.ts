import { expect, it } from 'vitest';
import { partitionOf } from '#kafka';
import { testDriver, type Windowed } from '../index.ts';
import { failedLoginsPerMinute } from './failed-logins-per-minute.ts';

it('says once per minute how often each user failed, late logins included, over a crash', () => {
  const driver = testDriver(failedLoginsPerMinute);
  const login = (user: string, succeeded: boolean, timestampMs: number) =>
    driver.pipe('logins', { key: user, value: { user, succeeded }, timestampMs });
  login('bob', false, 1_000);
  login('ada', false, 59_000);
  login('ada', true, 59_500);
  login('bob', false, 64_000);
  driver.crashAt('within-produce');
  login('ada', false, 58_000);
  driver.recover();
  expect(driver.read('failures')).toEqual([]);
  login('bob', false, 65_000);
  login('ada', false, 57_000);
  const minute = { startMs: 0, endMs: 60_000 };
  expect(driver.read('failures')).toMatchObject([
    { key: { key: 'ada', ...minute }, value: 2, timestampMs: 59_000 },
    { key: { key: 'bob', ...minute }, value: 1, timestampMs: 1_000 },
  ]);
  expect(driver.counters.get('records.late')).toBe(1);
});

it('writes the minutes of a user to the partition of the user', () => {
  const partitions = 5;
  const driver = testDriver(failedLoginsPerMinute, { partitions });
  const users = ['ada', 'bob', 'cid', 'dot'];
  for (const timestampMs of [0, 60_000, 200_000])
    for (const user of users)
      for (let partition = 0; partition < partitions; partition += 1)
        driver.pipe('logins', { key: user, value: { user, succeeded: false }, timestampMs, partition });
  const minutes = driver.read<Windowed<string>, number>('failures');
  expect(minutes.length).toBeGreaterThan(users.length);
  for (const { key, partition } of minutes)
    expect(partition).toBe(partitionOf(Buffer.from(key.key), partitions));
});
