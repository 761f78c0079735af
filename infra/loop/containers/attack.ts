/**
 * The intruder (`node attack.ts`, in the client's network): each attack once, one JSON line per attack.
 * Exits with 0 whatever comes of them: the outcome is data.
 */

import { execFile } from 'node:child_process';
import process from 'node:process';
import { exploits } from './exploits.ts';
import { pods } from './pods.ts';
import { ask } from './web.ts';

export type AttackName = keyof typeof exploits | 'exec-shell-by-runtime';

export interface AttackResult {
  readonly name: AttackName;
  /** `failed`: neither got through nor was refused with EACCES; the text says what happened. */
  readonly outcome: 'succeeded' | 'denied' | 'failed';
  /** What the attack gained, or the words of its errno. */
  readonly text: string;
  /** Epoch milliseconds when it began and when its outcome was known. */
  readonly beganMs: number;
  readonly endedMs: number;
}

type Outcome = Pick<AttackResult, 'outcome' | 'text'>;

const permissionDenied = 13;

/** An exploit posted to nginx, run by its worker. */
async function exploit(perl: string): Promise<Outcome> {
  const { status, body } = await ask({ host: pods.nginx.ip, path: '/rce', method: 'POST', body: perl });
  const [, number, text] = /^errno (\d+) (.*)/.exec(body) ?? [];
  if (number !== undefined)
    return { outcome: Number(number) === permissionDenied ? 'denied' : 'failed', text: text ?? '' };
  const gained = /^ok (.*)/s.exec(body)?.[1];
  if (status === 200 && gained !== undefined) return { outcome: 'succeeded', text: gained.trim() };
  return { outcome: 'failed', text: `${status} ${body}`.trim() };
}

/** A shell through the container runtime, as `kubectl exec` starts one. */
function execByRuntime(): Promise<Outcome> {
  return new Promise(resolve => {
    execFile('runc', ['exec', pods.nginx.containerId, '/bin/sh', '-c', 'id'], (error, stdout, stderr) => {
      if (error === null) resolve({ outcome: 'succeeded', text: stdout.trim() });
      else resolve({ outcome: /permission denied/i.test(stderr) ? 'denied' : 'failed', text: stderr.trim() });
    });
  });
}

async function attack(name: AttackName, work: () => Promise<Outcome>): Promise<void> {
  const beganMs = Date.now();
  const outcome = await work().catch(error => ({
    outcome: 'failed' as const,
    text: (error as Error).message,
  }));
  const result: AttackResult = { name, ...outcome, beganMs, endedMs: Date.now() };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await attack('exec-shell', () => exploit(exploits['exec-shell']));
await attack('exec-shell-by-runtime', execByRuntime);
await attack('read-shadow', () => exploit(exploits['read-shadow']));
await attack('connect-listener', () => exploit(exploits['connect-listener']));
await attack('ptrace-master', () => exploit(exploits['ptrace-master']));
