/**
 * The loader process: started, asked, listened to, started again when it dies.
 *
 * Owns: the child process, matching answers to requests, back-pressure, back-off.
 * Does not own: what is asked (enforcer.ts), the kernel objects (they are pinned and outlive every process, I5).
 */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { classify, SluiceError } from '#errors';
import { encodeFrame, FrameReader } from './frame.ts';
import { eachEvent, type KernelEvent } from './kernel-event.ts';
import {
  type Ack,
  type Answer,
  answerType,
  decodeAnswer,
  encodeRequest,
  type Listed,
  protocolVersion,
  type Ready,
  type Request,
  type Stats,
} from './loader-protocol.ts';

export interface LoaderOptions {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** A loader serves: called for the first and for each that replaces one. Requests may be made from here on. */
  readonly onReady: (ready: Ready) => void;
  readonly onEvent: (event: KernelEvent) => void;
  /** It ended; another is started after `backOffMs`. */
  readonly onEnded: (reason: string, backOffMs: number) => void;
  /** It cannot work here; none is started any more. */
  readonly onFailed: (error: SluiceError) => void;
  /** A line it wrote for people. */
  readonly onLine: (line: string) => void;
  /** Absent: from 200 ms, doubled up to 10 s. */
  readonly backOffMs?: { readonly first: number; readonly most: number };
}

/** Exit codes after which trying again does not help. */
const hopeless: Readonly<Record<number, string>> = {
  2: 'the loader does not know its options; use the loader of this version',
  3: "what is pinned was made by another version; run that version's loader with --remove",
  4: 'the kernel lacks something the loader needs',
  5: 'the loader is not permitted to load BPF programs; give it CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE',
};

type Child = ChildProcessByStdio<Writable, Readable, Readable>;
type AnswerOf<R extends Request> = R extends { kind: 'hello' }
  ? Ready
  : R extends { kind: 'list' }
    ? Listed
    : R extends { kind: 'stats' }
      ? Stats
      : Ack;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: SluiceError) => void;
}

const steadyMs = 10_000;

export class Loader {
  readonly #options: LoaderOptions;
  readonly #backOff: { readonly first: number; readonly most: number };
  #child: Child | undefined;
  #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #waitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #paused = false;
  #lastLine = '';

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.#backOff = options.backOffMs ?? { first: 200, most: 10_000 };
    this.#waitMs = this.#backOff.first;
  }

  start(): void {
    const [program, ...args] = this.#options.command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const startedMs = performance.now();
    this.#child = child;
    const frames = new FrameReader();
    child.stdout.on('data', (chunk: Buffer) => this.#take(child, frames, chunk));
    if (this.#paused) child.stdout.pause();
    this.#readLines(child);
    // A broken pipe shows as the child's end, which is handled there.
    child.stdin.on('error', () => {});
    let ended = false;
    const end = (reason: string, code: number | null) => {
      if (ended) return;
      ended = true;
      this.#ended(child, { reason, code, livedMs: performance.now() - startedMs });
    };
    child.on('error', error => end(`${program} does not start: ${error.message}`, null));
    // `close` comes after the last byte of stdout: events that were written are not lost.
    child.on('close', (code, signal) => end(signal ? `killed by ${signal}` : `exit ${code}`, code));
    this.request({ kind: 'hello' }).then(
      answer => this.#greeted(child, answer),
      () => {},
    );
  }

  /** Answers come in the order of the requests. Errors: UNREACHABLE when the loader ends before it answers. */
  request<R extends Request>(request: R): Promise<AnswerOf<R>> {
    const child = this.#child;
    if (!child) return Promise.reject(new SluiceError('UNREACHABLE', 'no loader is running'));
    const id = this.#nextId++;
    const { type, payload } = encodeRequest(id, request);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: Answer) => void, reject });
      child.stdin.write(encodeFrame(type, payload));
    });
  }

  /** While paused nothing is read: the loader keeps what it can, then the ring buffer, then the kernel counts. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#child?.stdout.pause();
    else this.#child?.stdout.resume();
  }

  /** Ends the loader's input, reads what it still has to say, and leaves everything pinned. */
  async close(limitMs = 2000): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const ended = new Promise<void>(resolve => child.once('close', resolve));
    child.stdout.resume();
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    await ended;
    clearTimeout(timer);
  }

  #greeted(child: Child, answer: Ready | Ack): void {
    if (answer.kind === 'ready') {
      this.#options.onReady(answer);
      return;
    }
    this.#closed = true;
    child.kill();
    const message = `the loader does not speak protocol ${protocolVersion}: ${answer.message}; install both halves from one version`;
    this.#options.onFailed(new SluiceError('CONFIG_INVALID', message));
  }

  #take(child: Child, frames: FrameReader, chunk: Buffer): void {
    try {
      for (const { type, payload } of frames.push(chunk)) {
        if (type === answerType.events) eachEvent(payload, this.#options.onEvent);
        else this.#answer(type, payload);
      }
    } catch (error) {
      // What follows cannot be understood any more.
      child.stdout.removeAllListeners('data');
      child.stdout.resume();
      child.kill('SIGKILL');
      this.#lastLine = classify(error).message;
    }
  }

  #answer(type: number, payload: Buffer): void {
    const { id, answer } = decodeAnswer(type, payload);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.resolve(answer);
  }

  #readLines(child: Child): void {
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(-4096);
      for (const line of lines.filter(Boolean)) {
        this.#lastLine = line;
        this.#options.onLine(line);
      }
    });
  }

  #ended(child: Child, end: { reason: string; code: number | null; livedMs: number }): void {
    if (this.#child === child) this.#child = undefined;
    const reason = this.#lastLine ? `${end.reason}: ${this.#lastLine}` : end.reason;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#lastLine = '';
    for (const { reject } of waiting) reject(new SluiceError('UNREACHABLE', `the loader ended: ${reason}`));
    if (this.#closed) return;
    const cause = end.code === null ? undefined : hopeless[end.code];
    if (cause) {
      this.#options.onFailed(new SluiceError('CONFIG_INVALID', `${cause} (${reason})`));
      return;
    }
    if (end.livedMs > steadyMs) this.#waitMs = this.#backOff.first;
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(this.#backOff.most, waitMs * 2);
    this.#options.onEnded(reason, waitMs);
    this.#timer = setTimeout(() => this.start(), waitMs);
  }
}
