import type { Command } from 'commander';
import { accept } from './accept.ts';
import { approveCommand } from './approve.ts';
import { diff } from './diff.ts';
import { explain } from './explain.ts';
import { findings } from './findings.ts';
import { get } from './get.ts';
import { history } from './history.ts';
import { list } from './list.ts';
import { promoteCommand, retire } from './promote.ts';
import { rollback } from './rollback.ts';

/** A new sub-command is a file and a name here. */
const commands: readonly ((group: Command) => void)[] = [
  ...[list, get, history, diff, explain, findings],
  ...[promoteCommand, approveCommand, accept, rollback, retire],
];

export function policy(program: Command): void {
  const group = program
    .command('policy')
    .description('policies: their versions, what changed, why, and how they go from stage to stage');
  for (const add of commands) add(group);
}
