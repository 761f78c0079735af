import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { redisAnswers } from './answers.ts';
import { loopback } from './ports.ts';
import type { RedisProgram } from './redis-package.ts';
import type { ServicePlan } from './service.ts';

export interface RedisSetup {
  readonly program: RedisProgram;
  /** Its own folder: data. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
}

/** A Redis on loopback only that keeps every write: jobs go on after it was killed. */
export function planRedis({ program, folder, logFile, port }: RedisSetup): ServicePlan {
  const options = {
    ...{ bind: loopback, port, dir: folder, 'protected-mode': 'yes' },
    ...{ appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction' },
    save: '',
  };
  return {
    name: 'redis',
    // Its libraries are beside it, not where the system looks.
    program: '/usr/bin/env',
    args: [
      `LD_LIBRARY_PATH=${program.libraries}`,
      program.path,
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
    cwd: join(folder, '..'),
    logFile,
    prepare: async () => void (await mkdir(folder, { recursive: true })),
    answers: () => redisAnswers(port),
  };
}

export function redisUrl(port: number): string {
  return `redis://${loopback}:${port}`;
}
