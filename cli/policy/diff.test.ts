import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';

let folder: string;
const policy = (paths: readonly string[], severity = 1) => ({
  ...{ apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorPolicy' },
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: 'web', 'kubearmor.io/container.name': '[nginx]' } },
    ...{ severity, action: 'Allow', file: { matchPaths: paths.map(path => ({ path, readOnly: true })) } },
  },
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-diff-'));
  const write = (name: string, object: object) => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'web.yaml'), stringify(object));
  };
  write('before', policy(['/a', '/b']));
  write('reworded', policy(['/a', '/b'], 9));
  write('after', policy(['/b', '/c']));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Nobody listens there: what needs no broker must not ask one. */
function diff(...sides: readonly string[]) {
  const args = ['policy', 'diff', ...sides, '--bootstrap-servers', '127.0.0.1:1'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '../main.ts'), ...args],
    {
      ...{ cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH } },
    },
  );
  return { status, stdout, stderr };
}

it('says what opens and what closes between two folders, without a broker, and exits with 1', () => {
  const { status, stdout, stderr } = diff('before', 'after');
  expect({ status, stderr }).toEqual({ status: 1, stderr: '1 open, 1 close, 0 are audited otherwise\n' });
  expect(stdout).toBe(
    [
      'opens for shop app=web container nginx: 1',
      '+ reads /c  [KubeArmorPolicy/shop/web file/default]',
      'closes for shop app=web container nginx: 1',
      '- reads /a  [KubeArmorPolicy/shop/web file/default]',
      '',
    ].join('\n'),
  );
});

it('exits with 0 where only words differ', () => {
  expect(diff('before', 'reworded')).toMatchObject({ status: 0, stdout: '' });
});

it('gives programs accesses and verdicts', () => {
  const { opens, closes } = JSON.parse(diff('before', 'after', '-o', 'json').stdout);
  expect(opens).toMatchObject([
    {
      what: 'reads /c',
      isSample: false,
      access: { operation: 'FILE_READ', object: '/c', actor: { container: 'nginx' } },
      before: { verdict: 'deny', rule: { ruleId: 'file/default' } },
      after: { verdict: 'allow' },
    },
  ]);
  expect(closes).toHaveLength(1);
});

it('asks for the other side of a folder, and the broker for what is no file', () => {
  expect(diff('before')).toMatchObject({ status: 2, stderr: expect.stringContaining('name both sides') });
  expect(diff('before', 'east/shop/Deployment/web').status).toBe(4);
}, 60_000);
