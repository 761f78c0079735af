/**
 * The guest's kernels: Debian's own, fetched as packages and unpacked, never installed.
 *
 * Owns: which suites have them, the cache `guest/kernels/<release>`, the module index.
 * Does not own: booting them (qemu.ts), the first root file system (initrd.ts).
 * Invariant: a folder of the cache is complete; it is unpacked elsewhere and renamed into place.
 */

import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPaths } from '#config';
import { SluiceError } from '#errors';
import { privateApt } from './private-apt.ts';
import { runTool } from './tool.ts';

/** Kernel series the guest can boot, with the Debian suite that has each. */
export const kernelSuites = { '6.12': 'bookworm-backports', '6.1': 'bookworm' } as const;

export type KernelSeries = keyof typeof kernelSuites;

export interface Kernel {
  /** What `uname -r` says in the guest. */
  readonly release: string;
  /** Root of the unpacked package: boot/vmlinuz-<release>, lib/modules/<release>. */
  readonly folder: string;
  readonly image: string;
}

export function guestCache(): string {
  return join(hostPaths().cache, 'guest');
}

/** The newest cached kernel of a series; undefined when none is. */
export async function findKernel(
  series: KernelSeries,
  cache: string = guestCache(),
): Promise<Kernel | undefined> {
  const releases = await readdir(join(cache, 'kernels')).catch(() => []);
  const release = releases
    .filter(name => name.startsWith(`${series}.`) && !name.endsWith('.partial'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  return release === undefined ? undefined : kernelAt(cache, release);
}

/** As `findKernel`. Errors: UNREACHABLE, with what brings it. */
export async function needKernel(series: KernelSeries): Promise<Kernel> {
  const kernel = await findKernel(series);
  if (kernel !== undefined) return kernel;
  throw new SluiceError(
    'UNREACHABLE',
    `No ${series} kernel for the guest under ${guestCache()}. Run make setup (or node infra/guest/setup.ts ${series})`,
  );
}

/** Fetches the newest kernel of a series into the cache. Errors: UNREACHABLE with the tool's own words. */
export async function fetchKernel(series: KernelSeries, cache: string = guestCache()): Promise<Kernel> {
  const apt = await privateApt(kernelSuites[series], join(cache, 'apt', series));
  await apt('apt-get', ['update', '-qq']);
  const facts = await apt('apt-cache', ['show', '--no-all-versions', 'linux-image-amd64']);
  const name = /^Depends: (linux-image-\S+)/m.exec(facts)?.[1];
  const release = name?.slice('linux-image-'.length);
  if (name === undefined || !release?.startsWith(`${series}.`)) {
    throw new SluiceError(
      'UNREACHABLE',
      `The suite ${kernelSuites[series]} has no ${series} kernel; its linux-image-amd64 depends on ${name ?? 'none'}`,
    );
  }
  await mkdir(join(cache, 'kernels'), { recursive: true });
  const partial = await mkdtemp(join(cache, 'kernels', `${release}-`));
  const unpacked = join(partial, `${release}.partial`);
  try {
    await apt('apt-get', ['download', '-qq', name], partial);
    const deb = (await readdir(partial)).find(file => file.endsWith('.deb'));
    await runTool('dpkg', ['-x', join(partial, deb ?? `${name}.deb`), unpacked]);
    await runTool('depmod', ['-b', unpacked, release]);
    const target = join(cache, 'kernels', release);
    await rm(target, { recursive: true, force: true });
    await rename(unpacked, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return kernelAt(cache, release);
}

function kernelAt(cache: string, release: string): Kernel {
  const folder = join(cache, 'kernels', release);
  return { release, folder, image: join(folder, 'boot', `vmlinuz-${release}`) };
}
