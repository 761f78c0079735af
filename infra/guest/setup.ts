/** Brings the guest's kernel (`node infra/guest/setup.ts [SERIES…] [--refresh]`) and proves nothing: it only prepares. */

import process from 'node:process';
import { classify } from '#errors';
import { ensureInitrd } from './initrd.ts';
import { fetchKernel, findKernel, type KernelSeries, kernelSuites } from './kernel.ts';

async function main(words: readonly string[]): Promise<void> {
  const refresh = words.includes('--refresh');
  const asked = words.filter(word => word !== '--refresh');
  for (const series of asked.length > 0 ? asked : ['6.12']) {
    if (!isSeries(series)) {
      process.stderr.write(`No kernel series ${series}; there are ${Object.keys(kernelSuites).join(', ')}\n`);
      process.exitCode = 2;
      return;
    }
    const found = refresh ? undefined : await findKernel(series);
    if (found === undefined)
      process.stderr.write(`guest: fetching a ${series} kernel from ${kernelSuites[series]}\n`);
    const kernel = found ?? (await fetchKernel(series));
    await ensureInitrd(kernel);
    process.stderr.write(`guest: kernel ${kernel.release} in ${kernel.folder}\n`);
  }
}

function isSeries(word: string): word is KernelSeries {
  return Object.hasOwn(kernelSuites, word);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`guest: ${classify(error).message}\n`);
  process.exitCode = 1;
}
