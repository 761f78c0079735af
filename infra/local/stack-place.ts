import { join } from 'node:path';
import type { LockOptions } from './lock.ts';
import type { StackPorts } from './plan.ts';

/** Of the checkout. */
export const stackFolder = join(import.meta.dirname, '..', '..', '.sluice', 'local');
export const defaultPorts: StackPorts = { broker: 9092, controller: 9093, registry: 8081, redis: 6379 };

const anotherCommandMs = 300_000;

/** Beside the folder, so that it survives the folder's removal. */
export const lockOf = (folder: string, report: (line: string) => void): LockOptions => ({
  path: `${folder}.lock`,
  waitMs: anotherCommandMs,
  onWait: (pid: number) => report(`waiting for process ${pid}, which starts or stops this stack`),
});
