/**
 * What is known, from one command to the next, about the checkout's stack.
 *
 * Owns: the file. Does not own: whether what it says still holds (process-identity.ts).
 */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '#errors';

const port = z.number().int().min(1).max(65_535);
const identity = z.object({ pid: z.number().int(), startedAt: z.string() });

const stateShape = z.object({
  engine: z.enum(['jvm', 'docker']),
  ports: z.object({ broker: port, controller: port, registry: port, redis: port.default(6379) }),
  guestListener: z.object({ port, advertisedHost: z.string() }).optional(),
  /** Of the programs that were started, which a newer checkout may not share. */
  versions: z.object({ kafka: z.string(), registry: z.string() }),
  /** Empty when an engine minds the processes. */
  services: z.object({
    broker: identity.optional(),
    registry: identity.optional(),
    redis: identity.optional(),
  }),
  /** Whether Redis belongs to it. */
  redis: z.boolean().default(false),
});

export type StackState = z.infer<typeof stateShape>;

const fileOf = (folder: string) => join(folder, 'state.json');

/** Undefined when nothing was started from here. Errors: CONFIG_INVALID when the file is damaged. */
export async function readState(folder: string): Promise<StackState | undefined> {
  const file = fileOf(folder);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return stateShape.parse(JSON.parse(text));
  } catch (error) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `${file} is damaged, so what it started cannot be found. End the java processes that listen on the stack's ports, then remove the file`,
      { cause: error },
    );
  }
}

/** The file is whole, the old or the new, at any instant. */
export async function writeState(folder: string, state: StackState): Promise<void> {
  const file = fileOf(folder);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.draft`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${file}.draft`, file);
}

export async function forgetState(folder: string): Promise<void> {
  await rm(fileOf(folder), { force: true });
}
