/** What `sluice discover` makes of a case: the command itself, as whoever types it has it. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { SluiceError } from '#errors';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';

const command = join(import.meta.dirname, '../../cli/main.ts');
const emitted = 'cilium,kubernetes,kubearmor';

export interface Asked {
  readonly inputs: readonly string[];
  readonly objects: string;
  /** Further options. */
  readonly options?: readonly string[];
}

/** Errors: INPUT_INVALID with what the command said, when it found nothing or failed. */
export function discoverCase({ inputs, objects, options = [] }: Asked): AnyPolicyObject[] {
  const words = ['discover', '--from', ...inputs, '--objects', objects, '--emit', emitted, '-o', 'json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words, ...options], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new SluiceError('INPUT_INVALID', `sluice ${words.join(' ')}: ${stderr.trim()}`);
  return (JSON.parse(stdout) as unknown[]).map(object => parseAnyPolicy(object, 'sluice discover'));
}
