/**
 * The `sluice` command.
 *
 * Owns: which sub-commands there are, what a failure prints and exits with. Does not own: what they do.
 *
 * Invariants: standard output is data and nothing else; what is said to people goes to standard error.
 */

import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { classify } from '#errors';
import { discover } from './discover.ts';
import { down } from './down.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { jobs } from './jobs.ts';
import { policy } from './policy/policy.ts';
import { record } from './record.ts';
import { replay } from './replay.ts';
import { simulate } from './simulate.ts';
import { status } from './status.ts';
import { topology } from './topology.ts';
import { up } from './up.ts';

/** Each adds its sub-command. A new command is a file and a name here. */
const commands: readonly ((program: Command) => void)[] = [
  up,
  down,
  status,
  record,
  discover,
  simulate,
  replay,
  jobs,
  policy,
  topology,
];

function createProgram(): Command {
  const program = new Command('sluice')
    .description(
      'Learns what workloads do, writes the least-privilege policy, and enforces it in the kernel.',
    )
    .addHelpText('after', `\n${exitCodesHelp}`)
    .exitOverride()
    .showHelpAfterError();
  for (const add of commands) add(program);
  return program;
}

const exitCodesHelp = `Exit codes: ${Object.values(exitCodes)
  .map(({ code, means }) => `${code} ${means}`)
  .join(', ')}.`;

// A reader that has seen enough (`sluice … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said what it had to; help that was asked for is no error.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  } else {
    const failure = classify(error);
    const stack = failure.code === 'BUG' && error instanceof Error ? `\n${error.stack}` : '';
    process.stderr.write(`sluice: ${failure.code}: ${failure.message}${stack}\n`);
    process.exitCode = exitCodeOf(failure.code);
  }
}
