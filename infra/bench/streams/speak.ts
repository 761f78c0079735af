import process from 'node:process';
import type { ContestantEvent } from './setup.ts';

/** Tells the harness at once: what a pipe holds back would be late by more than is measured. */
export function speak(event: ContestantEvent['event']): void {
  process.stdout.write(`${JSON.stringify({ event, atMs: Date.now() })}\n`);
}

/** Resolves when the harness wants this process to end: it closes standard input. */
export function untilDismissed(): Promise<void> {
  return new Promise(resolve => {
    process.stdin.once('end', resolve);
    process.stdin.resume();
  });
}
