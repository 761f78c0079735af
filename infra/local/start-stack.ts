import type { GuestListener } from './broker.ts';
import { startEphemeralStack } from './ephemeral-stack.ts';
import type { StackPorts } from './plan.ts';
import type { Stack } from './stack.ts';

export interface StackOptions {
  /**
   * True: a stack of its own on free ports in a temporary folder, gone with this process however it ends.
   * Absent: the checkout's stack, which stays after this process; one that runs already is adopted.
   */
  readonly ephemeral?: boolean;
  readonly guestListener?: GuestListener;
  /** Told what is started and where, one line each. Absent: says nothing. */
  readonly report?: (line: string) => void;
  /** How long each service may take to answer. Absent: 120 s. */
  readonly readyWithinMs?: number;
  /** Ports of the checkout's stack. Absent: 9092, 9093, 8081. Without meaning for an ephemeral one. */
  readonly ports?: Partial<StackPorts>;
  /** Folder of the checkout's stack. Absent: `.sluice/local` of the checkout. Without meaning for an ephemeral one. */
  readonly folder?: string;
}

const readyWithinDefaultMs = 120_000;

/**
 * Resolves when the broker and the registry answer.
 * Errors: UNREACHABLE (a port is taken, a program is missing, a service died: the message says which and the mend), TIMEOUT.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { guestListener, report = () => {}, readyWithinMs = readyWithinDefaultMs } = options;
  if (options.ephemeral === true) return startEphemeralStack({ guestListener, report, readyWithinMs });
  throw new Error('detached');
}
