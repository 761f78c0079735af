/** The Redis server of Debian, unpacked into the cache: nothing is installed, and no service is set up. Elsewhere the one in PATH. */

import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { privateApt, runTool } from '#guest';
import { obtain } from './obtain.ts';

export interface RedisProgram {
  readonly path: string;
  /** Where its libraries are: its LD_LIBRARY_PATH; empty: where the system looks. */
  readonly libraries: string;
}

/** The server, and those of its libraries that a small system lacks. */
const packages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1', 'libssl3'];

/** Resolves with where it is, after fetching it if the cache lacks it. Errors: UNREACHABLE with the mend. */
export async function fetchRedis({
  cache = hostPaths().cache,
  report,
}: {
  readonly cache?: string;
  readonly report: (line: string) => void;
}): Promise<RedisProgram> {
  const suite = await debianSuite();
  if (suite === undefined) return installed();
  const folder = join(cache, `redis-${suite}`);
  await mkdir(cache, { recursive: true });
  await obtain(
    { folder, says: `Redis of Debian ${suite} (3 MB)`, fill: draft => fill(draft, suite) },
    report,
  );
  const libraries = join(folder, 'usr', 'lib');
  const [architecture = ''] = (await readdir(libraries)).filter(name => name.endsWith('-linux-gnu'));
  return { path: join(folder, 'usr', 'bin', 'redis-server'), libraries: join(libraries, architecture) };
}

async function fill(folder: string, suite: string): Promise<void> {
  const download = join(folder, 'download');
  const apt = await privateApt(suite, join(download, 'apt'));
  await apt('apt-get', ['update', '-qq']);
  await apt('apt-get', ['download', '-qq', ...packages], download);
  const archives = (await readdir(download)).filter(name => name.endsWith('.deb'));
  for (const archive of archives) await runTool('dpkg', ['-x', join(download, archive), folder]);
  await runTool('rm', ['-r', download]);
}

/** Undefined: this is no Debian. */
async function debianSuite(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID=debian$/m.test(text) ? /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] : undefined;
}

async function installed(): Promise<RedisProgram> {
  for (const folder of hostPaths().executables) {
    const path = join(folder, 'redis-server');
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return { path, libraries: '' };
  }
  throw new SluiceError(
    'UNREACHABLE',
    'Redis can be fetched on Debian alone. Install it, so that redis-server is in PATH, or start one and name it with --redis-url',
  );
}
