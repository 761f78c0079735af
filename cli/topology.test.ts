import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const sluice = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });

test.each(['enrich', 'aggregate', 'discovery', 'verify'])(
  '%s is drawn as text and for Mermaid',
  async name => {
    const { status, stdout, stderr } = sluice('topology', name);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(`golden/topology-${name}.txt`);
    await expect(sluice('topology', name, '--format', 'mermaid').stdout).toMatchFileSnapshot(
      `golden/topology-${name}.mmd`,
    );
  },
);

test('without a name all are drawn; with a wrong one it is a usage error', () => {
  const { stdout } = sluice('topology', '--tenant', 'acme');
  expect(stdout).toContain('topology enrich\n');
  expect(stdout).toContain('\n\ntopology discovery\n');
  expect(stdout).toContain('source acme.events.file.v1');
  expect(sluice('topology', 'nothing')).toMatchObject({ status: 2, stdout: '' });
});
