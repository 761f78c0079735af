/**
 * A process's configuration, read once, from one table.
 *
 * Owns: where values come from and which of them counts; what is said about those that are wrong.
 * Does not own: the tables, which each process keeps beside its main.ts.
 *
 * Invariants:
 * C1 Arguments win over the environment, the environment over the file, the file over the table's default.
 * C2 A key that the table does not have is an error wherever it stands: a misspelt setting never passes for its default.
 * C3 No error repeats a value: it may be a secret.
 */

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parse } from 'yaml';
import type { ZodObject, ZodRawShape, z } from 'zod';
import { SluiceError } from '#errors';
import { nearest } from './nearest.ts';

export interface ConfigSources {
  /** Absent: the process's own. Only SLUICE_* is looked at: SLUICE_BROKER_PORT is the key brokerPort. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values by key; undefined ones do not count. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** Path of a YAML (or JSON) mapping of keys. */
  readonly file?: string | undefined;
}

const prefix = 'SLUICE_';

/**
 * The values of the table. Environment values are strings, so the table's numbers are `z.coerce.number()` and its flags `z.stringbool()`.
 * Errors: CONFIG_INVALID, listing everything that is wrong, each with its source and key, an unknown one with the nearest known.
 */
export function readConfig<S extends ZodRawShape>(
  table: ZodObject<S>,
  sources: ConfigSources = {},
): z.infer<ZodObject<S>> {
  const keys = Object.keys(table.shape);
  const complaints: string[] = [];
  const values: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  const take = (key: string, value: unknown, origin: string) => {
    values[key] = value;
    origins.set(key, origin);
  };

  if (sources.file !== undefined) {
    for (const [key, value] of Object.entries(readFile(sources.file))) {
      if (keys.includes(key)) take(key, value, `${key} in ${sources.file}`);
      else complaints.push(unknown(`${key} in ${sources.file}`, key, keys));
    }
  }
  const keyOfVariable = new Map(keys.map(key => [variableOf(key), key]));
  for (const [variable, value] of Object.entries(sources.env ?? process.env)) {
    if (!variable.startsWith(prefix) || value === undefined) continue;
    const key = keyOfVariable.get(variable);
    if (key !== undefined) take(key, value, variable);
    else complaints.push(unknown(variable, variable, [...keyOfVariable.keys()]));
  }
  for (const [key, value] of Object.entries(sources.args ?? {})) {
    if (value === undefined) continue;
    if (keys.includes(key)) take(key, value, optionOf(key));
    else complaints.push(unknown(optionOf(key), optionOf(key), keys.map(optionOf)));
  }

  const parsed = table.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const key = String(issue.path[0] ?? '');
    const where = origins.get(key) ?? `${key} (set ${variableOf(key)}, or ${key} in the configuration file)`;
    complaints.push(`${where}: ${issue.message}`);
  }
  if (parsed.success && complaints.length === 0) return parsed.data;
  throw new SluiceError(
    'CONFIG_INVALID',
    `The configuration does not hold:\n${complaints.map(line => `  ${line}`).join('\n')}`,
  );
}

/** `brokerPort` → `SLUICE_BROKER_PORT` */
export function variableOf(key: string): string {
  return prefix + key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/** `brokerPort` → `--broker-port` */
function optionOf(key: string): string {
  return `--${key.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()}`;
}

function unknown(where: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `${where} is not known; did you mean ${near}?`;
  return `${where} is not known; known are ${known.join(', ')}`;
}

function readFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `cannot be read (${error})`;
    throw new SluiceError(
      'CONFIG_INVALID',
      `The configuration file ${path} ${reason}; mend the path or leave it out`,
      {
        cause: error,
      },
    );
  }
  const document = parseYaml(text, path) ?? {};
  if (typeof document !== 'object' || Array.isArray(document)) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `The configuration file ${path} must be a mapping of keys to values`,
    );
  }
  return document as Record<string, unknown>;
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // The parser's message quotes the offending line, which may hold a secret: only its place is told.
    const line = (error as { linePos?: readonly { line: number }[] }).linePos?.[0]?.line;
    throw new SluiceError(
      'CONFIG_INVALID',
      `The configuration file ${path} is not YAML${line === undefined ? '' : ` (line ${line})`}`,
    );
  }
}
