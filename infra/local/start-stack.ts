import { resolve } from 'node:path';
import type { GuestListener } from './broker.ts';
import { requireSame, runningServices, startMissing } from './checkout-stack.ts';
import { composeDown, composeUp, hasComposeEngine } from './compose.ts';
import { startEphemeralStack } from './ephemeral-stack.ts';
import { withLock } from './lock.ts';
import type { StackPorts } from './plan.ts';
import { requireFree } from './ports.ts';
import { describeStack, type Stack } from './stack.ts';
import { defaultPorts, lockOf, stackFolder } from './stack-place.ts';
import { forgetState, readState, type StackState, writeState } from './state.ts';
import { stopStack } from './stop-stack.ts';
import { versions } from './versions.ts';

export interface StackOptions {
  /**
   * True: a stack of its own on free ports in a temporary folder, gone with this process however it ends.
   * Absent: the checkout's stack, which stays after this process; one that runs already is adopted.
   */
  readonly ephemeral?: boolean;
  readonly guestListener?: GuestListener | undefined;
  /** Told what is started and where, one line each. Absent: says nothing. */
  readonly report?: (line: string) => void;
  /** How long each service may take to answer. Absent: 120 s. */
  readonly readyWithinMs?: number;
  /** Ports of the checkout's stack. Absent: those it has, else 9092, 9093, 8081. Without meaning for an ephemeral one. */
  readonly ports?: Partial<StackPorts>;
  /** Folder of the checkout's stack. Absent: `.sluice/local` of the checkout. Without meaning for an ephemeral one. */
  readonly folder?: string;
  /** Whether Redis is started too, which jobs need. Absent: only if the stack has it already. */
  readonly redis?: boolean;
  /** Absent: Docker Compose where an engine answers (and no guest listener is asked for), else JVMs. */
  readonly engine?: 'docker' | 'jvm' | undefined;
}

const readyWithinDefaultMs = 120_000;

/**
 * Resolves when the broker and the registry answer.
 * Errors: UNREACHABLE (a port is taken, a program is missing, a service died: the message says which and the mend), TIMEOUT,
 * CONFIG_INVALID (it runs already, but not as asked for).
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { guestListener, report = () => {}, readyWithinMs = readyWithinDefaultMs } = options;
  if (options.ephemeral === true) return startEphemeralStack({ guestListener, report, readyWithinMs });

  const folder = resolve(options.folder ?? stackFolder);
  return withLock(lockOf(folder, report), async () => {
    const before = await readState(folder);
    const wanted = Object.fromEntries(
      Object.entries(options.ports ?? {}).filter(([, port]) => port !== undefined),
    );
    const runs =
      before !== undefined && (before.engine === 'docker' || (await runningServices(before)).length > 0);
    if (runs) requireSame(before, { ports: wanted, guestListener, engine: options.engine });
    const setup = {
      folder,
      ports: { ...(runs ? before.ports : defaultPorts), ...wanted },
      guestListener: runs ? before.guestListener : guestListener,
      redis: options.redis === true || (runs && before.redis),
      report,
      readyWithinMs,
    };
    const engine = runs ? before.engine : await chooseEngine(options);
    const adopted =
      engine === 'docker' ? await startContainers(setup, runs) : (await startMissing(setup, before)) === 0;
    const stop = async () => void (await stopStack({ folder, report }));
    return { ...describeStack(setup), adopted, stop };
  });
}

async function chooseEngine({ engine, guestListener }: StackOptions): Promise<'docker' | 'jvm'> {
  if (engine !== undefined) return engine;
  return guestListener === undefined && (await hasComposeEngine()) ? 'docker' : 'jvm';
}

interface ContainerSetup {
  readonly folder: string;
  readonly ports: StackPorts;
  readonly redis: boolean;
  readonly report: (line: string) => void;
  readonly readyWithinMs: number;
}

async function startContainers(setup: ContainerSetup, runs: boolean): Promise<boolean> {
  const { folder, ports, redis, report, readyWithinMs } = setup;
  if (!runs) {
    await requireFree(ports.broker, 'broker', 'choose another port with --broker-port');
    await requireFree(ports.registry, 'schema registry', 'choose another port with --registry-port');
  }
  const state: StackState = {
    engine: 'docker',
    ports,
    versions: { kafka: versions.kafka, registry: versions.registry },
    services: {},
    redis,
  };
  // Written first: should this process be killed, `stopStack` knows what to take down.
  await writeState(folder, state);
  report('starting the containers of docker-compose.kafka.yml; the first time fetches their images');
  try {
    await composeUp({ folder, ports }, { redis, readyWithinMs });
  } catch (error) {
    if (!runs) {
      await composeDown({ folder, ports }, { volumes: false }).catch(() => {});
      await forgetState(folder);
    }
    throw error;
  }
  report('broker and registry: run under Docker Compose');
  return runs;
}
