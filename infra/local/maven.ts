import { spawn } from 'node:child_process';
import { SluiceError } from '#errors';

/** How much of Maven's output an error shows. */
const shownLines = 15;

/**
 * Runs Maven without questions. Its output is not shown: it goes into the error when Maven fails.
 * Errors: UNREACHABLE, saying what was wanted, what Maven said, and what mends it.
 */
export async function maven(wanted: string, args: readonly string[]): Promise<void> {
  const child = spawn('mvn', ['-B', '-q', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const gather = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-20_000);
  };
  child.stdout.on('data', gather);
  child.stderr.on('data', gather);
  const outcome = await new Promise<number | string | NodeJS.ErrnoException>(resolve => {
    child.once('error', resolve);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (outcome === 0) return;
  if (outcome instanceof Error && outcome.code === 'ENOENT') {
    throw new SluiceError(
      'UNREACHABLE',
      `Maven (mvn) is not installed, and it fetches ${wanted}. Install it: apt-get install maven, or brew install maven`,
      { cause: outcome },
    );
  }
  const said = output.trim().split('\n').slice(-shownLines).join('\n');
  throw new SluiceError(
    'UNREACHABLE',
    `Maven could not fetch ${wanted} (${outcome instanceof Error ? outcome.message : `exit ${outcome}`}). ` +
      `Is Maven Central, or the mirror in ~/.m2/settings.xml, reachable from here? It said:\n${said}`,
    { cause: outcome },
  );
}
