import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testDriver } from '../index.ts';
import { failedLogins } from './failed-logins.ts';

const docs = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

describe('the example of docs/streams.md', () => {
  it('is the code that is run here', () => {
    const code = readFileSync(new URL('./failed-logins.ts', import.meta.url), 'utf8');
    expect(docs('streams.md')).toContain(`\`\`\`ts\n${code}\`\`\``);
    expect(docs('streams.md')).toContain(`\`\`\`\n${failedLogins.describe()}\`\`\``);
  });

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
});

describe('the rules of docs/semantics.md', () => {
  const rules = docs('semantics.md')
    .split(/^- \*\*(?=S\d+\*\*)/m)
    .slice(1);

  it('are numbered, and each names a test that is there', () => {
    expect(rules.map(rule => rule.match(/^S(\d+)/)![1])).toEqual(rules.map((_, i) => `${i + 1}`));
    for (const rule of rules) {
      const [, file, title] = rule.match(/`([\w./-]+)`: "([^"]+)"/) ?? [];
      expect(file, rule).toBeDefined();
      const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
      expect(source).toContain(title);
    }
  });
});
