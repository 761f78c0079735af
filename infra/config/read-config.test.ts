import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { type ConfigSources, readConfig } from './read-config.ts';

const table = z.object({
  brokerPort: z.coerce.number().int().max(65_535).default(9092),
  tenant: z.string().default('default'),
  apiKey: z.string().regex(/^key-/).optional(),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'sluice.yaml');
  writeFileSync(path, text);
  return path;
}

function complaint(sources: ConfigSources): string {
  try {
    readConfig(table, { env: {}, ...sources });
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    return (error as Error).message;
  }
  throw new Error('it held');
}

test('arguments win over the environment, the environment over the file, the file over the default', () => {
  const path = file('brokerPort: 1\ntenant: from-file\n');
  const env = { SLUICE_BROKER_PORT: '2', PATH: '/bin' };
  expect(readConfig(table, { env: {} })).toEqual({ brokerPort: 9092, tenant: 'default' });
  expect(readConfig(table, { env: {}, file: path })).toEqual({ brokerPort: 1, tenant: 'from-file' });
  expect(readConfig(table, { env, file: path }).brokerPort).toBe(2);
  expect(readConfig(table, { env, file: path, args: { brokerPort: '3', tenant: undefined } })).toEqual({
    brokerPort: 3,
    tenant: 'from-file',
  });
});

test('an unknown variable is an error that names the nearest known', () => {
  expect(complaint({ env: { SLUICE_BROKR_PORT: '1' } })).toContain(
    'SLUICE_BROKR_PORT is not known; did you mean SLUICE_BROKER_PORT?',
  );
  expect(complaint({ env: { SLUICE_COLOUR: 'red' } })).toContain(
    'known are SLUICE_BROKER_PORT, SLUICE_TENANT, SLUICE_API_KEY',
  );
});

test('an unknown key of the file or of the arguments is an error, also one that objects inherit', () => {
  const path = file('tennant: a\n');
  expect(complaint({ file: path })).toContain(`tennant in ${path} is not known; did you mean tenant?`);
  expect(complaint({ args: { toString: 'x' } })).toContain('--to-string is not known');
});

test('everything that is wrong is told at once, by its source', () => {
  const message = complaint({ env: { SLUICE_BROKER_PORT: 'ninety', SLUICE_X: '1' }, args: { tenant: 7 } });
  expect(message).toContain('SLUICE_BROKER_PORT: ');
  expect(message).toContain('SLUICE_X is not known');
  expect(message).toContain('--tenant: ');
});

test('no value is repeated in an error', () => {
  const secret = 'hunter2hunter2';
  expect(complaint({ env: { SLUICE_API_KEY: secret, SLUICE_BROKER_PORT: secret } })).not.toContain(secret);
  expect(complaint({ file: file(`apiKey: "${secret}\nb: {`) })).not.toContain(secret);
});

test('a value that is missing says where it can be set', () => {
  const strict = z.object({ bootstrapServers: z.string() });
  expect(() => readConfig(strict, { env: {} })).toThrow('set SLUICE_BOOTSTRAP_SERVERS');
});

test('a file that is missing, no YAML or no mapping is an error that names it', () => {
  const gone = join(folder, 'gone.yaml');
  expect(complaint({ file: gone })).toContain(`${gone} is not there`);
  expect(complaint({ file: file('a: [') })).toContain('is not YAML (line ');
  expect(complaint({ file: file('- a\n') })).toContain('must be a mapping');
});

test('an empty file sets nothing', () => {
  expect(readConfig(table, { env: {}, file: file('# nothing yet\n') }).tenant).toBe('default');
});
