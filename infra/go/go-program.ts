/** A Go program of a folder here, built from its modules into the cache that every checkout shares. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPaths } from '#config';
import { obtain } from '#local';
import { go } from './go-command.ts';

export interface GoSource {
  /** Names it and its folder in the cache. */
  readonly name: string;
  /** For people: `etcd 3.6.16`. */
  readonly says: string;
  /** Of its go.mod and main.go. */
  readonly folder: string;
  /** Variables the linker sets: `k8s.io/component-base/version.gitVersion`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Told what takes long, one line each. */
  readonly report: (line: string) => void;
}

/** Path of the executable, after building what the cache lacks. Errors: UNREACHABLE with the mend. */
export async function goProgram({ name, says, folder, variables = {}, report }: GoSource): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(variables));
  for (const file of (await readdir(folder)).sort()) hash.update(await readFile(join(folder, file)));
  const cached = join(hostPaths().cache, `${name}-${hash.digest('hex').slice(0, 8)}`);
  const flags = ['-s', '-w', ...Object.entries(variables).map(([key, value]) => `-X ${key}=${value}`)];
  const fill = async (draft: string) => {
    await go(folder, ['build', '-trimpath', '-ldflags', flags.join(' '), '-o', join(draft, name), '.']);
  };
  await obtain({ folder: cached, says: `${says}, built from its Go modules`, fill }, report);
  return join(cached, name);
}
