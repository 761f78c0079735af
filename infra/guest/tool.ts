import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SluiceError } from '#errors';

const run = promisify(execFile);

/** Runs a program to its end and gives what it printed. Errors: UNREACHABLE with its last words and, when it is missing, the mend. */
export async function runTool(program: string, words: readonly string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await run(program, words, { cwd, maxBuffer: 64 << 20 });
    return stdout;
  } catch (cause) {
    throw new SluiceError('UNREACHABLE', describeFailure(program, words, cause), { cause });
  }
}

function describeFailure(program: string, words: readonly string[], cause: unknown): string {
  const failure = cause as { code?: unknown; stderr?: string; message?: string };
  if (failure.code === 'ENOENT') return `${program} is not installed. Run make setup`;
  const said = (failure.stderr || failure.message || '').trim().split('\n').slice(-5).join('\n');
  return `${program} ${words.slice(-2).join(' ')} failed: ${said}`;
}
