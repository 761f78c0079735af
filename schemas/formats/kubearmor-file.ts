import type { FileOperation } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { isDescriptorPath, throughDescriptor } from './descriptor-path.ts';
import type { Happening, KubeArmorRecord } from './kubearmor-record.ts';

export function firstWord(text: string): string {
  return /^\s*(\S*)/.exec(text)![1]!;
}

const changes: Readonly<Record<string, FileOperation>> = {
  unlink: 'UNLINK',
  unlinkat: 'UNLINK',
  rmdir: 'RMDIR',
  mkdir: 'MKDIR',
  mkdirat: 'MKDIR',
  mknod: 'MKNOD',
  mknodat: 'MKNOD',
  rename: 'RENAME',
  renameat: 'RENAME',
  renameat2: 'RENAME',
  link: 'LINK',
  linkat: 'LINK',
  symlink: 'SYMLINK',
  symlinkat: 'SYMLINK',
  truncate: 'TRUNCATE',
  chmod: 'CHMOD',
  fchmodat: 'CHMOD',
  chown: 'CHOWN',
  fchownat: 'CHOWN',
};

/** Hooks of the enforcer, which names them instead of system calls. */
const hooks: Readonly<Record<string, FileOperation>> = {
  file_open: 'OPEN',
  path_unlink: 'UNLINK',
  path_rmdir: 'RMDIR',
  path_mkdir: 'MKDIR',
  path_mknod: 'MKNOD',
  path_rename: 'RENAME',
  path_link: 'LINK',
  path_symlink: 'SYMLINK',
  path_truncate: 'TRUNCATE',
  path_chmod: 'CHMOD',
  file_permission: 'OPEN',
};

const writing = /\bO_(WRONLY|RDWR|APPEND|TRUNC|CREAT)\b/i;
const onlyWriting = /\bO_WRONLY\b/i;
const directory = /\bO_DIRECTORY\b/i;

/** Opens and changes of files. What was only closed says nothing. */
export function readKubeArmorFile({ resource, data, syscall }: KubeArmorRecord): Happening {
  if (syscall === 'close') return 'a file was closed';
  // Older versions write the flags behind the path.
  const [, named = '', behind] = /^(.*?)(?:\s+flags=(\S*))?$/s.exec(resource.trim())!;
  if (!named.startsWith('/')) return 'the path is not absolute';
  if (isDescriptorPath(named)) return throughDescriptor;
  const flags = behind ?? data.flags ?? '';
  const change = changes[syscall] ?? hooks[(data.lsm ?? '').toLowerCase()];
  if (change !== undefined && change !== 'OPEN')
    return {
      topic: 'events.file.v1',
      file: withDefaults('FileAccess', { operation: change, path: named, write: true }),
    };
  const path = directory.test(flags) && !named.endsWith('/') ? `${named}/` : named;
  const write = writing.test(flags);
  const read = !onlyWriting.test(flags);
  return {
    topic: 'events.file.v1',
    file: withDefaults('FileAccess', { operation: 'OPEN', path, read, write }),
  };
}
