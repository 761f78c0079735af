/** `make bench-discovery`: how good policies are, ours and those of three peers. What is measured: docs/benchmarks.md. */

import process from 'node:process';
import { classify } from '#errors';
import { missedGoals } from './goals.ts';
import { measure, type WindowName, windows } from './measure.ts';
import { type BenchOptions, readOptions, usage } from './options.ts';
import { tables } from './report.ts';

const attacks = 600;
const beganMs = performance.now();
const say = (line: string) => {
  const second = ((performance.now() - beganMs) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`[${second} s] ${line}\n`);
};

function run({ explain, ...options }: BenchOptions): void {
  const result = measure({
    ...{ ...options, attacks, progress: say },
    ...(explain && {
      explain: (system: string, misses: readonly string[]) => {
        for (const each of misses) say(`${system} ${each}`);
      },
    }),
  });
  process.stdout.write(`${tables(result)}\n\n`);
  const at = windows.findIndex(([name]) => name === options.until);
  const before = windows[Math.max(0, at - 1)]![0];
  // A week is what the goals are about: who learns for less is not asked.
  const missed = options.until === '7d' ? missedGoals(result, options.until, before as WindowName) : [];
  for (const goal of missed) process.stdout.write(`goal missed: ${goal}\n`);
  const { seed, applications, perDay } = options;
  process.stdout.write(
    `${JSON.stringify({ bench: 'discovery-quality', seed, applications, perDay, ...result, missed })}\n`,
  );
  if (missed.length > 0) process.exitCode = 1;
}

try {
  const args = process.argv.slice(2);
  if (args.includes('--help')) process.stdout.write(`${usage}\n`);
  else run(readOptions(args));
} catch (error) {
  const { code, message } = classify(error);
  process.stderr.write(`${code}: ${message}\n`);
  process.exitCode = code === 'CONFIG_INVALID' ? 2 : 1;
}
