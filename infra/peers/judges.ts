/**
 * Implementations of policies that are not ours, asked what they say: Cilium's own policy engine, its DNS patterns and expressions
 * of requests, and Cyclonus, which conformance tests of network plugins take NetworkPolicies by.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SluiceError } from '#errors';
import { goProgram } from '#go';

export type JudgeName = 'cilium' | 'cyclonus' | 'names' | 'requests';

/** A pod, an address with the names it was answered for, or a reserved identity. */
export type Endpoint =
  | { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly address: string; readonly names: readonly string[] }
  | { readonly entity: string }
  /** The node whose policies are asked for. */
  | { readonly entity: 'host'; readonly labels: Readonly<Record<string, string>> };

/** Or, of a rule, expressions for them. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
}

export interface Flow {
  /** Places in the list of endpoints. */
  readonly from: number;
  readonly to: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
  /** From 1; of ICMP its type. */
  readonly port: number;
  /** Ports of the listening pod that have names. */
  readonly named: Readonly<Record<string, number>>;
}

export interface Question {
  readonly policies: readonly object[];
  readonly endpoints: readonly Endpoint[];
  readonly flows: readonly Flow[];
}

/** Whether each side lets the flow pass. */
export interface PeerVerdict {
  readonly egress: boolean;
  readonly ingress: boolean;
}

const folder = join(import.meta.dirname, 'judges');

/** Path of the program that speaks for them all, after building it if need be. Errors: UNREACHABLE with the mend. */
export function judgesProgram(report: (line: string) => void): Promise<string> {
  return goProgram({ name: 'judges', says: 'the peers to compare with', folder, report });
}

/** One of them, running: questions are answered one after the other. */
export class Judge {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close');
    // A peer that ended is told of by the answer that does not come.
    child.stdin!.on('error', () => {});
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static start(program: string, name: JudgeName): Judge {
    return new Judge(spawn(program, [name], { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** A verdict for each flow, in order. Errors: INPUT_INVALID in the peer's words when it refuses a policy. */
  async ask(question: Question): Promise<readonly PeerVerdict[]> {
    return (await this.#answer<{ readonly verdicts?: readonly PeerVerdict[] }>(question)).verdicts ?? [];
  }

  /** Whether the pattern is about each of the names, in order. Errors: INPUT_INVALID. */
  async askNames(pattern: string, names: readonly string[]): Promise<readonly boolean[]> {
    return (await this.#answer<{ readonly matches: readonly boolean[] }>({ pattern, names })).matches;
  }

  /** Whether any of the rules lets each of the requests pass, in order. Errors: INPUT_INVALID. */
  async askRequests(
    rules: readonly AskedRequest[],
    requests: readonly AskedRequest[],
  ): Promise<readonly boolean[]> {
    return (await this.#answer<{ readonly matches: readonly boolean[] }>({ rules, requests })).matches;
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }

  async #answer<T>(question: object): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new SluiceError('UNREACHABLE', 'the peer ended before it answered');
    const answer = JSON.parse(value) as T & { readonly error?: string };
    if (answer.error)
      throw new SluiceError('INPUT_INVALID', `the peer refuses the question: ${answer.error}`);
    return answer;
  }
}
