/**
 * The root file system that the containers start from: Debian with nginx and redis, one squashfs file.
 *
 * Owns: what is in it, the cache `rootfs/<digest>.squashfs`. Does not own: the containers' own files (files/).
 * A file, not a folder: owners and modes hold whoever builds it, and the guest mounts it without the host's root between.
 */

import { createHash } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { debianMirror, runTool } from '#guest';

const suite = 'bookworm';
const packages = ['nginx', 'libnginx-mod-http-perl', 'libnginx-mod-stream', 'redis-server'];
/** Raise it when the same packages must be fetched anew. */
const edition = 2;

export function imagePath(): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([suite, packages, edition]))
    .digest('hex');
  return join(hostPaths().cache, 'rootfs', `${digest.slice(0, 16)}.squashfs`);
}

/** The image, when it is built. Errors: UNREACHABLE, with what builds it. */
export async function needImage(): Promise<string> {
  const path = imagePath();
  if (await isThere(path)) return path;
  throw new SluiceError('UNREACHABLE', `No ${path}. Run make setup (or node infra/loop/containers/build.ts)`);
}

/** Builds the image unless it is there; true when it was built now. Errors: UNREACHABLE with the tool's last words. */
export async function buildImage(): Promise<boolean> {
  const path = imagePath();
  if (await isThere(path)) return false;
  await mkdir(join(path, '..'), { recursive: true });
  const partial = `${path.slice(0, -'.squashfs'.length)}-${process.pid}.squashfs`;
  try {
    const words = [
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      // Documentation and translations are no behaviour of a workload.
      ...['doc', 'man', 'locale', 'info'].map(folder => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
      ...[suite, '-', await debianMirror()],
    ];
    // zstd: the emulated guest unpacks what it reads.
    const pipe =
      'set -o pipefail; out=$1; shift; mmdebstrap --quiet "$@" | tar2sqfs --quiet --compressor zstd "$out"';
    await runTool('bash', ['-c', pipe, 'bash', partial, ...words]);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
