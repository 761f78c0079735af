import { bootGuest, type ExecOptions, type ExecResult, type GuestOptions } from './guest.ts';

export interface GuestRun extends GuestOptions, ExecOptions {
  /** A bash command. */
  readonly command: string;
  /** For the command alone; booting has its own limit. */
  readonly timeoutMs: number;
}

/** Boots a guest, runs one command, ends the guest. Errors: TIMEOUT (the command), UNREACHABLE (no guest). */
export async function runInGuest({
  command,
  timeoutMs,
  onOutput,
  ...options
}: GuestRun): Promise<ExecResult & { readonly bootAttempts: number }> {
  const guest = await bootGuest(options);
  try {
    const result = await guest.exec(command, { timeoutMs, ...(onOutput && { onOutput }) });
    return { ...result, bootAttempts: guest.bootAttempts };
  } finally {
    await guest.shutdown();
  }
}
