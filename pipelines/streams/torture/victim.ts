import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.ts';
import type { Guarantee } from './counting.ts';
import type { Random } from './random.ts';

export interface VictimOptions {
  readonly bootstrapServers: string;
  readonly name: string;
  readonly guarantee: Guarantee;
  readonly input: string;
  readonly sessionTimeoutMs: number;
  readonly kills: number;
  /** How long a process may live. */
  readonly livesMs: readonly [shortest: number, longest: number];
  readonly random: Random;
  readonly clock: Clock;
  /** How often the broker was killed so far: a process may end by itself when that changes. */
  brokerKills(): number;
  /** The process is dead; the next waits until this resolves. */
  onKilled(kills: number): Promise<void>;
}

export interface Torment {
  /** Processes that went down with the broker instead. */
  readonly fellWithBroker: number;
  /** What processes said that ended by themselves. */
  readonly violations: readonly string[];
}

const program = fileURLToPath(new URL('./counting.ts', import.meta.url));
const keptErrorBytes = 2_000;

/** Starts the application and kills it with -9 at a random moment, again and again. */
export async function torment(options: VictimOptions): Promise<Torment> {
  const { kills, livesMs, random, clock, brokerKills, onKilled } = options;
  const violations: string[] = [];
  let fellWithBroker = 0;
  for (let done = 0; done < kills; ) {
    const before = brokerKills();
    const { child, ended, saying } = launch(options);
    const patience = new AbortController();
    await Promise.race([
      clock.sleep(random.between(...livesMs), patience.signal),
      ended.then(() => patience.abort()),
    ]);
    if (child.exitCode === null) {
      child.kill('SIGKILL');
      await ended;
      done += 1;
      await onKilled(done);
    } else if (brokerKills() !== before) {
      fellWithBroker += 1;
    } else {
      violations.push(`a process ended by itself with ${child.exitCode}: ${saying()}`);
      done += 1;
    }
  }
  return { fellWithBroker, violations };
}

function launch({ bootstrapServers, name, guarantee, input, sessionTimeoutMs }: VictimOptions) {
  const args = [program, bootstrapServers, name, guarantee, input, `${sessionTimeoutMs}`];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-keptErrorBytes);
  });
  return { child, ended: once(child, 'exit'), saying: () => said };
}
