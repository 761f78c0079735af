/**
 * `node infra/guest/main.ts [--timeout S] [--kernel SERIES] [--memory MB] [--cpus N] [--forward PORT]… -- COMMAND…`
 * Runs a command in a fresh guest and exits with its exit code; 124 when it ran too long, 125 when there is no guest.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { classify, SluiceError } from '#errors';
import { bootGuest } from './guest.ts';
import { type KernelSeries, kernelSuites } from './kernel.ts';

const exitTimeout = 124;
const exitNoGuest = 125;

async function main(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      timeout: { type: 'string', default: '300' },
      kernel: { type: 'string', default: '6.12' },
      memory: { type: 'string', default: '2048' },
      cpus: { type: 'string', default: '2' },
      forward: { type: 'string', multiple: true, default: [] },
    },
  });
  if (positionals.length === 0 || !Object.hasOwn(kernelSuites, values.kernel)) {
    process.stderr.write(
      `usage: guest [--timeout S] [--kernel ${Object.keys(kernelSuites).join('|')}] [--memory MB] [--cpus N] [--forward PORT] -- COMMAND\n`,
    );
    return 2;
  }
  const begin = performance.now();
  const guest = await bootGuest({
    kernel: values.kernel as KernelSeries,
    memoryMb: Number(values.memory),
    cpus: Number(values.cpus),
    forwardHostPorts: values.forward.map(Number),
    onNote: note,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void guest.shutdown().then(() => process.exit(exitNoGuest)));
  }
  try {
    const { exitCode } = await guest.exec(positionals.join(' '), {
      timeoutMs: Number(values.timeout) * 1000,
      onOutput: text => process.stdout.write(text),
    });
    return exitCode;
  } finally {
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    note(`kernel ${guest.kernelRelease}, up after ${guest.bootSeconds.toFixed(1)} s, in all ${seconds} s`);
    await guest.shutdown();
  }
}

function note(text: string): void {
  process.stderr.write(`guest: ${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  note(classify(error).message);
  process.exitCode = error instanceof SluiceError && error.code === 'TIMEOUT' ? exitTimeout : exitNoGuest;
}
