/** Debian packages without installing them. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import { runTool } from './tool.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** An apt with its own sources and lists: the machine's stay untouched, and root is not needed. */
export async function privateApt(suite: string, folder: string) {
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true });
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  const sources = join(folder, 'sources.list');
  await writeFile(sources, `deb [signed-by=${keyring}] ${await debianMirror()} ${suite} main\n`);
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    // apt's own user cannot enter a home directory.
    'APT::Sandbox::User=',
  ].flatMap(setting => ['-o', setting]);
  return (command: 'apt-get' | 'apt-cache', words: readonly string[], cwd?: string) =>
    runTool(command, [...settings, ...words], cwd);
}

/** The Debian mirror this machine's apt uses. Errors: UNREACHABLE when it uses none. */
export async function debianMirror(): Promise<string> {
  const texts = await Promise.all(
    ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'].map(path =>
      readFile(path, 'utf8').catch(() => ''),
    ),
  );
  const uri = /^(?:URIs:|deb(?: \[[^\]]*\])?) *(https?:\S+\/debian)\/?(?:\s|$)/m.exec(texts.join('\n'))?.[1];
  if (uri !== undefined) return uri;
  throw new SluiceError(
    'UNREACHABLE',
    'No Debian mirror in /etc/apt/sources.list or sources.list.d/debian.sources; add one, the guest is made from it',
  );
}
