/**
 * A case of the discovery engine's test suite: what was recorded, and the policies its authors expected of it.
 *
 * Owns: where the files of a case are, and their old dialects. Does not own: what the records and policies mean.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { SluiceError } from '#errors';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';

type Fields = Readonly<Record<string, unknown>>;

export interface Case {
  readonly name: string;
  /** Files of records: of a case in two phases those before and after. */
  readonly inputs: readonly string[];
  readonly records: readonly Fields[];
  readonly expected: readonly AnyPolicyObject[];
  /** What of the expectation is no valid policy, and why. */
  readonly unreadable: readonly string[];
}

export interface Cases {
  readonly cases: readonly Case[];
  /** The Kubernetes objects all cases are about. */
  readonly objects: string;
}

const objectsFile = 'cluster.yaml';

/** Every folder with records, by name. Errors: CONFIG_INVALID when the folder holds none, or no objects. */
export function readCases(folder: string): Cases {
  const names = isFolder(folder) ? readdirSync(folder).sort() : [];
  if (!names.includes(objectsFile))
    throw new SluiceError('CONFIG_INVALID', `${folder} has no ${objectsFile}: name a folder of cases`);
  const cases = names
    .filter(name => isFolder(join(folder, name)))
    .map(name => readCase(join(folder, name), name))
    .filter(({ inputs }) => inputs.length > 0);
  if (cases.length === 0)
    throw new SluiceError(
      'CONFIG_INVALID',
      `${folder} has no folder with a JSON file: name a folder of cases`,
    );
  return { cases, objects: join(folder, objectsFile) };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What was recorded before comes first. */
function readCase(folder: string, name: string): Case {
  const files = readdirSync(folder).sort((a, b) => Number(/after/.test(a)) - Number(/after/.test(b)));
  const inputs = files.filter(file => file.endsWith('.json')).map(file => join(folder, file));
  const expected: AnyPolicyObject[] = [];
  const unreadable: string[] = [];
  for (const file of files.filter(each => /\.ya?ml$/.test(each))) {
    for (const document of parseAllDocuments(readFileSync(join(folder, file), 'utf8'))) {
      const object = (document as { toJS(): unknown }).toJS();
      if (object === null) continue;
      try {
        expected.push(parseAnyPolicy(inToday(object as Fields), file));
      } catch (error) {
        unreadable.push((error as Error).message);
      }
    }
  }
  const records = inputs.flatMap(file => JSON.parse(readFileSync(file, 'utf8')) as Fields[]);
  return { name, inputs, records, expected, unreadable };
}

/** Policies of 2021 in today's form: names in lower case, sources one by one, directories with their slash. */
export function inToday(object: Fields): unknown {
  const text = JSON.stringify(object, (key, value: unknown) => {
    if (key === 'apiVersion' && value === 'security.accuknox.com/v1') return 'security.kubearmor.com/v1';
    if (key === 'fromSource' && !Array.isArray(value))
      return [(value as { path: string | string[] }).path].flat().map(path => ({ path }));
    if (key === 'dir') return `${(value as string).replace(/\/$/, '')}/`;
    return value;
  });
  const today = JSON.parse(text) as { metadata: { name: string } };
  return { ...today, metadata: { ...today.metadata, name: today.metadata.name.toLowerCase() } };
}
