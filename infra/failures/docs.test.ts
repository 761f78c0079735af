import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = (file: string) => readFileSync(new URL(file, root), 'utf8');

describe('the failures of docs/failures.md', () => {
  const rows = text('docs/failures.md')
    .split('\n')
    .filter(line => /^\| (?!failure|---)/.test(line));

  it('each name where they were seen and tests that are there', () => {
    expect(rows.length).toBeGreaterThan(35);
    for (const row of rows) {
      const [, failure, seenAt] = row.split(' | ').map(cell => cell.trim());
      expect(seenAt, failure).not.toBe('');
      const tests = [...row.matchAll(/`([\w./-]+)`: "([^"]+)"/g)];
      expect(tests.length, row).toBeGreaterThan(0);
      for (const [, file, title] of tests) expect(text(file!), `${file}: ${title}`).toContain(title);
    }
  });

  it('are all that infra/failures tests', () => {
    const named = new Set(rows.flatMap(row => [...row.matchAll(/: "([^"]+)"/g)].map(([, title]) => title!)));
    const files = ['identity', 'network', 'paths', 'learning'].map(name =>
      text(`infra/failures/${name}.test.ts`),
    );
    const titles = files.flatMap(file =>
      [...file.matchAll(/^ {2}it\('([^']+)'/gm)].map(([, title]) => title!),
    );
    expect(titles.filter(title => !named.has(title))).toEqual(allowed);
  });
});

/** No failure of anybody, but what goes with one. */
const allowed = ['of a container is for that container alone'];
