import type { Clock } from '../clock.ts';
import { launch } from './application.ts';
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

/** Starts the application and kills it with -9 at a random moment, again and again. */
export async function torment(options: VictimOptions): Promise<Torment> {
  const { kills, livesMs, random, clock, brokerKills, onKilled } = options;
  const { bootstrapServers, name, guarantee, input, sessionTimeoutMs } = options;
  const setup = { bootstrapServers, name, guarantee, input, options: { sessionTimeoutMs } };
  const violations: string[] = [];
  let fellWithBroker = 0;
  for (let done = 0; done < kills; ) {
    const before = brokerKills();
    const { child, ended, complaint } = launch(setup);
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
      violations.push(`a process ended by itself with ${child.exitCode}: ${complaint()}`);
      done += 1;
    }
  }
  return { fellWithBroker, violations };
}
