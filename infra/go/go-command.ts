/** The Go toolchain of this machine. Which Go a module needs it fetches itself, from 1.21 on. */

import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostEnvironment, hostPaths } from '#config';
import { SluiceError } from '#errors';

const run = promisify(execFile);
const shownLines = 15;

/** Runs `go` in the folder of a module and gives what it printed. Errors: UNREACHABLE with Go's own words and the mend. */
export async function go(folder: string, words: readonly string[]): Promise<string> {
  const program = await findGo();
  // Distributions turn off that Go fetches the version a module asks for.
  const env = {
    ...{ GOTOOLCHAIN: 'auto', ...hostEnvironment() },
    ...{ CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -mod=readonly' },
  };
  try {
    const { stdout } = await run(program, words, { cwd: folder, env, maxBuffer: 64 << 20 });
    return stdout;
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr || cause).trim();
    const shown = said.split('\n').slice(-shownLines).join('\n');
    throw new SluiceError(
      'UNREACHABLE',
      `${program} ${words[0]} failed in ${folder}. Is the module proxy reachable from here, and Go 1.21 or later? It said:\n${shown}`,
      { cause },
    );
  }
}

async function findGo(): Promise<string> {
  const folders = [...hostPaths().executables, '/usr/local/go/bin', '/usr/lib/go/bin'];
  for (const folder of folders) {
    const program = join(folder, 'go');
    if (await isThere(program)) return program;
  }
  throw new SluiceError('UNREACHABLE', 'Go is not installed. Run make setup, or install Go 1.21 or later');
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
