import { expect, it } from 'vitest';
import { testDriver } from '../index.ts';
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
