/**
 * The guest's first root file system: busybox, the modules that reach the host's root, init.sh.
 * Kept beside its kernel under the digest of what it is made of, so that a changed init.sh makes a new one.
 */

import { createHash } from 'node:crypto';
import { access, chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Kernel } from './kernel.ts';
import { runTool } from './tool.ts';

const modules = ['virtio_pci', 'virtio_console', '9pnet_virtio', '9p', 'overlay', 'virtio_net', 'virtio_rng'];
const initScript = join(import.meta.dirname, 'init.sh');
const busybox = '/bin/busybox';

/** Path of the initrd of a kernel, made now when it is not there yet. Errors: UNREACHABLE when a tool is missing. */
export async function ensureInitrd(kernel: Kernel): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(initScript))
    .update(modules.join())
    .digest('hex');
  const path = join(kernel.folder, `initrd-${digest.slice(0, 12)}.gz`);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (!there) await buildInitrd(kernel, path);
  return path;
}

async function buildInitrd(kernel: Kernel, path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-initrd-'));
  try {
    for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'layer', 'host', 'root']) {
      await mkdir(join(folder, name));
    }
    await copyFile(busybox, join(folder, 'bin', 'busybox'));
    await copyFile(initScript, join(folder, 'init'));
    await chmod(join(folder, 'init'), 0o755);
    await placeModules(kernel, join(folder, 'modules'));
    const packed = join(folder, '..', `${basename(folder)}.gz`);
    await runTool(
      'sh',
      [
        '-c',
        'find . | cpio -o -H newc --quiet | gzip -1 > "$1" && mv "$1" "$2"',
        'sh',
        packed,
        `${path}.${process.pid}`,
      ],
      folder,
    );
    await rename(`${path}.${process.pid}`, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Unpacks the modules and those they need, and writes the order in which init.sh inserts them. */
async function placeModules(kernel: Kernel, folder: string): Promise<void> {
  const files = new Set<string>();
  for (const module of modules) {
    const shown = await runTool('modprobe', [
      '-d',
      kernel.folder,
      '-S',
      kernel.release,
      '--show-depends',
      module,
    ]);
    for (const [, file] of shown.matchAll(/^insmod (\S+)/gm)) files.add(file ?? '');
  }
  const order: string[] = [];
  for (const file of files) {
    const plain = basename(file).replace(/\.xz$/, '');
    if (file.endsWith('.xz'))
      await runTool('sh', ['-c', 'xz -dc "$1" > "$2"', 'sh', file, join(folder, plain)]);
    else await copyFile(file, join(folder, plain));
    order.push(plain);
  }
  await writeFile(join(folder, 'order'), `${order.join('\n')}\n`);
}
