import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connectionsByOwner } from './connections-by-owner.ts';
import { failedLogins } from './failed-logins.ts';

const docs = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
/** Programs in it, by their fences. */
const programs = () =>
  [...docs('streams.md').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program!);

describe('the examples of docs/streams.md', () => {
  const names = readdirSync(import.meta.dirname).filter(name => /^[\w-]+\.ts$/.test(name));

  it('are the files of this folder, each with a test', () => {
    const shown = programs().filter(program => program.includes('topology('));
    const files = names.map(name => readFileSync(new URL(name, import.meta.url), 'utf8'));
    expect(shown.toSorted()).toEqual(files.toSorted());
    for (const name of names)
      expect(readdirSync(import.meta.dirname)).toContain(name.replace('.ts', '.test.ts'));
  });

  it('are described as they describe themselves', () => {
    expect(docs('streams.md')).toContain(`\`\`\`\n${failedLogins.describe()}\`\`\`\n`);
    expect(docs('streams.md')).toContain(`\`\`\`mermaid\n${connectionsByOwner.mermaid()}\`\`\`\n`);
  });
});

describe('the rules of docs/semantics.md', () => {
  const rules = docs('semantics.md')
    .split(/^- \*\*(?=S\d+\*\*)/m)
    .slice(1);

  it('are numbered, and each names tests that are there', () => {
    expect(rules.map(rule => rule.match(/^S(\d+)/)![1])).toEqual(rules.map((_, i) => `${i + 1}`));
    for (const rule of rules) {
      const tests = [...rule.matchAll(/`([\w./-]+)`: "([^"]+)"/g)];
      expect(tests.length, rule).toBeGreaterThan(0);
      for (const [, file, title] of tests) {
        const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
        expect(source, rule).toContain(title);
      }
    }
  });
});
