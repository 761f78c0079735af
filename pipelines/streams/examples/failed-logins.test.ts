import { expect, it } from 'vitest';
import { testDriver } from '../index.ts';
import { failedLogins } from './failed-logins.ts';

it('finds who failed three times in a row, also over a crash', () => {
  const driver = testDriver(failedLogins);
  const login = (user: string, succeeded: boolean, timestampMs: number) =>
    driver.pipe('logins', { key: user, value: { user, succeeded }, timestampMs });
  login('ada', false, 1_000);
  login('bob', false, 1_500);
  login('ada', false, 2_000);
  login('bob', true, 2_500);
  driver.crashAt('after-produce');
  login('bob', false, 2_600);
  expect(driver.crashed).toBe(true);
  driver.recover();
  login('ada', false, 3_000);
  login('bob', false, 3_500);
  expect(driver.read('suspects')).toMatchObject([{ key: 'ada', value: 'three times since 1000' }]);
  expect(driver.store('failures').get('bob')).toEqual({ inARow: 2, sinceMs: 2_600 });
});
