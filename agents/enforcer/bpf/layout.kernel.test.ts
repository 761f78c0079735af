import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { layout } from '../kernel-event.ts';

interface Layout {
  readonly protocol: number;
  readonly eventBytes: number;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly bytes: number }>>;
}

it('the offsets Node reads are the compiler’s', () => {
  const loader = join(import.meta.dirname, 'build/sluice-loader');
  const said = JSON.parse(execFileSync(loader, ['--layout'], { encoding: 'utf8' })) as Layout;
  const { texts, ...offsets } = layout;
  expect(texts).toBe(said.eventBytes);
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  expect(offsets).toEqual(
    Object.fromEntries(Object.keys(offsets).map(name => [name, said.fields[snake(name)]?.offset])),
  );
  expect(Object.keys(said.fields).sort()).toEqual(Object.keys(offsets).map(snake).sort());
});
