import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue, type ErrorCode } from '#errors';
import { exitCodeOf } from './exit-codes.ts';

function sluice(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), ...args],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...env },
    },
  );
  return { status, stdout, stderr };
}

test('help that was asked for is data', () => {
  const { status, stdout, stderr } = sluice(['--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const command of ['up', 'down', 'status']) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
});

test.each([
  [[], 'Usage: sluice'],
  [['dwon'], 'Did you mean down?'],
  [['up', '--brokr-port', '1'], 'Did you mean --broker-port?'],
  [['status', '-o', 'xml'], 'Allowed choices are text, json'],
  [['up', '--broker-port', 'many'], '--broker-port: must be a port number'],
  [['up', '--registry-port', '70000'], '--registry-port: '],
  [['down', '--config', '/nowhere.yaml'], '/nowhere.yaml is not there'],
])('%j is a usage error that says so', (args, words) => {
  const { status, stdout, stderr } = sluice(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(words);
});

test('a misspelt variable is a usage error that names the right one', () => {
  const { status, stderr } = sluice(['status'], { SLUICE_BROKER_PROT: '1' });
  expect(status).toBe(2);
  expect(stderr).toContain('did you mean SLUICE_BROKER_PORT?');
});

test('every error of the catalogue has an exit code, and none is success or findings', () => {
  for (const code of Object.keys(catalogue) as ErrorCode[])
    expect([2, 3, 4, 5, 70]).toContain(exitCodeOf(code));
});
