import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { endServices } from './checkout-stack.ts';
import { composeDown } from './compose.ts';
import { withLock } from './lock.ts';
import type { ServiceName } from './service.ts';
import { lockOf, stackFolder } from './stack-place.ts';
import { forgetState, readState } from './state.ts';

export interface StopOptions {
  /** Absent: the checkout's. */
  readonly folder?: string;
  /** Removes data and logs too. */
  readonly purge?: boolean;
  readonly report?: (line: string) => void;
}

/** Ends what was started from the folder, and only that; resolves with what it ended, none when nothing ran. */
export async function stopStack(options: StopOptions = {}): Promise<readonly ServiceName[]> {
  const folder = resolve(options.folder ?? stackFolder);
  const { purge = false, report = () => {} } = options;
  return withLock(lockOf(folder, report), async () => {
    const state = await readState(folder);
    let ended: readonly ServiceName[] = [];
    if (state?.engine === 'docker') {
      await composeDown({ folder, ports: state.ports }, { volumes: purge });
      ended = [...(state.redis ? (['redis'] as const) : []), 'registry', 'broker'];
    } else if (state !== undefined) {
      ended = await endServices(state, report);
    }
    await forgetState(folder);
    if (purge) {
      await rm(folder, { recursive: true, force: true });
      report(`removed ${folder}`);
    }
    return ended;
  });
}
