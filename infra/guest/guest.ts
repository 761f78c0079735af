/**
 * A guest kernel that runs commands.
 *
 * Owns: booting with its one retry, jobs, the end of QEMU, the run folder.
 * Does not own: what QEMU is given (qemu.ts), what happens in the guest (start.sh).
 * Invariants:
 *  G1 no QEMU outlives its owner: shutdown ends it, the kernel does when the owner dies (qemu.ts).
 *  G2 every pending call settles when the guest ends, with the reason.
 */

import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { SluiceError } from '#errors';
import { ensureInitrd } from './initrd.ts';
import { type GuestProcess, Job } from './job.ts';
import { type KernelSeries, needKernel } from './kernel.ts';
import { type Line, openLine } from './line.ts';
import { type Machine, startQemu } from './qemu.ts';
import { makeRunFolder, type RunFolder } from './run-folder.ts';

export interface GuestOptions {
  readonly kernel?: KernelSeries;
  readonly memoryMb?: number;
  readonly cpus?: number;
  /** Ports of the host's loopback that answer on the guest's loopback too. All are at 10.0.2.2 in any case. */
  readonly forwardHostPorts?: readonly number[];
  /** Longest wait for the guest to be up, per attempt; 90 s unless told (an idle machine needs 6). */
  readonly bootTimeoutMs?: number;
  /** Told what a human should know: a boot that hung and is tried again. */
  readonly onNote?: (text: string) => void;
}

export interface ExecOptions {
  readonly timeoutMs?: number;
  readonly onOutput?: (text: string) => void;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error, in the order written. */
  readonly output: string;
  readonly seconds: number;
}

/** A booted guest. Its root is the host's, read-only, under a layer in memory; commands run as root in the caller's directory. */
export interface Guest {
  readonly kernelRelease: string;
  readonly bootSeconds: number;
  /** 2 when the first boot hung. */
  readonly bootAttempts: number;
  /** A folder both sides write; its path is the same on both. Gone after shutdown. */
  readonly sharedDir: string;
  /** Runs a bash command to its end. Errors: TIMEOUT (it is killed), UNREACHABLE (the guest ended). */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Starts a bash command and lets it run. Errors: UNREACHABLE. */
  spawn(command: string, options?: Pick<ExecOptions, 'onOutput'>): Promise<GuestProcess>;
  /** Ends the guest and removes its folder; idempotent. */
  shutdown(): Promise<void>;
}

const startScript = join(import.meta.dirname, 'start.sh');
const executables = join(import.meta.dirname, '../../node_modules/.bin');
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const startWithinMs = 20_000;

/** Boots a guest; a boot that hangs or panics is tried once more. Errors: UNREACHABLE with the console's last lines. */
export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const kernel = await needKernel(options.kernel ?? '6.12');
  const machine: Machine = {
    kernel,
    initrd: await ensureInitrd(kernel),
    memoryMb: options.memoryMb ?? 2048,
    cpus: options.cpus ?? 2,
  };
  const first = new RunningGuest(machine, 1);
  try {
    return await first.boot(options);
  } catch (error) {
    await first.shutdown();
    // An emulated boot hangs or panics once in a while; nothing has run yet, so a second one loses nothing.
    if (!(error instanceof SluiceError)) throw error;
    options.onNote?.(`${error.message.split('\n')[0]}; trying once more`);
  }
  const second = new RunningGuest(machine, 2);
  try {
    return await second.boot(options);
  } catch (cause) {
    await second.shutdown();
    throw new SluiceError('UNREACHABLE', `The guest did not boot twice: ${(cause as Error).message}`, {
      cause,
    });
  }
}

class RunningGuest implements Guest {
  readonly bootAttempts: number;
  readonly #machine: Machine;
  readonly #jobs = new Map<number, Job>();
  readonly #up = Promise.withResolvers<void>();
  readonly #killOnExit = () => void this.#qemu?.kill('SIGKILL');
  #folder: RunFolder | undefined;
  #line: Line | undefined;
  #qemu: ChildProcess | undefined;
  #qemuEnded: Promise<void> = Promise.resolve();
  #ended: SluiceError | undefined;
  #lastJob = 0;
  bootSeconds = 0;

  constructor(machine: Machine, attempt: number) {
    this.#machine = machine;
    this.bootAttempts = attempt;
    this.#up.promise.catch(() => {});
  }

  get kernelRelease(): string {
    return this.#machine.kernel.release;
  }

  get sharedDir(): string {
    return this.#running().shared;
  }

  async boot(options: GuestOptions): Promise<Guest> {
    const begin = performance.now();
    const folder = await makeRunFolder();
    this.#folder = folder;
    await copyFile(startScript, join(folder.path, 'start.sh'));
    await writeFile(join(folder.path, 'settings.sh'), this.#settings(options.forwardHostPorts ?? []));
    this.#line = await openLine(folder.socket, text => this.#onLine(text));
    const qemu = startQemu(this.#machine, folder);
    this.#qemu = qemu;
    this.#qemuEnded = new Promise(resolve => {
      qemu.once(
        'error',
        error => void this.#end(`QEMU did not start (${error.message}); run make setup`).then(resolve),
      );
      qemu.once('exit', () => void this.#end('The guest stopped').then(resolve));
    });
    process.once('exit', this.#killOnExit);
    const limitMs = options.bootTimeoutMs ?? 90_000;
    await within(limitMs, this.#up.promise, `The guest was not up after ${limitMs / 1000} s`);
    this.bootSeconds = (performance.now() - begin) / 1000;
    return this;
  }

  async exec(command: string, { timeoutMs = 120_000, onOutput }: ExecOptions = {}): Promise<ExecResult> {
    const begin = performance.now();
    const job = await this.#start(command, onOutput);
    const late = `${brief(command)} ran longer than ${timeoutMs / 1000} s in the guest`;
    try {
      const exitCode = await within(timeoutMs, job.exited.promise, late);
      return { exitCode, output: job.output.text, seconds: (performance.now() - begin) / 1000 };
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'TIMEOUT') throw error;
      this.#kill(job, 'KILL');
      throw new SluiceError(
        'TIMEOUT',
        `${late}; it said last: ${lastLines(job.output.text, 10) || 'nothing'}`,
      );
    }
  }

  async spawn(command: string, { onOutput }: Pick<ExecOptions, 'onOutput'> = {}): Promise<GuestProcess> {
    const job = await this.#start(command, onOutput);
    return {
      pid: await within(startWithinMs, job.started.promise, `${brief(command)} did not start in the guest`),
      exited: job.exited.promise,
      output: () => job.output.text,
      kill: (signal = 'TERM') => this.#kill(job, signal),
    };
  }

  async shutdown(): Promise<void> {
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#ended ??= new SluiceError('UNREACHABLE', 'The guest was shut down');
    // QEMU ends at once on SIGTERM; what the guest wrote to the run folder is on the host already.
    this.#qemu?.kill('SIGTERM');
    const hard = setTimeout(() => this.#qemu?.kill('SIGKILL'), 3000);
    await this.#qemuEnded;
    clearTimeout(hard);
    process.off('exit', this.#killOnExit);
    this.#line?.close();
    await rm(folder.path, { recursive: true, force: true });
    this.#folder = undefined;
  }

  async #start(command: string, onOutput?: (text: string) => void): Promise<Job> {
    const folder = join(this.#running().jobs, `${++this.#lastJob}`);
    const job = new Job(this.#lastJob, folder, onOutput);
    this.#jobs.set(job.id, job);
    await mkdir(folder);
    await writeFile(join(folder, 'command'), `${command}\n`);
    this.#running();
    this.#line?.send(`run ${job.id}`);
    return job;
  }

  /** The whole group; a job that has not started yet is killed once it has, one that has ended is left alone. */
  #kill(job: Job, signal: string): void {
    const send = (pid: number) => this.#jobs.has(job.id) && this.#line?.send(`kill ${pid} ${signal}`);
    job.started.promise.then(send, () => {});
  }

  #onLine(text: string): void {
    const [word, id, value] = text.split(' ');
    if (word === 'up') this.#up.resolve();
    const job = this.#jobs.get(Number(id));
    if (word === 'started') job?.onStarted(Number(value));
    if (word === 'exited') {
      this.#jobs.delete(Number(id));
      void job?.onExited(Number(value));
    }
  }

  /** G2. The console says why: a panic, a module that is missing. */
  async #end(why: string): Promise<void> {
    const said = await Promise.all([
      tail(this.#folder?.console),
      tail(this.#folder && join(this.#folder.path, 'qemu.log')),
    ]);
    this.#ended ??= new SluiceError('UNREACHABLE', [why, ...said].filter(text => text !== '').join('\n'));
    const ended = this.#ended;
    this.#up.reject(ended);
    await Promise.all([...this.#jobs.values()].map(job => job.onGuestEnd(ended)));
    this.#jobs.clear();
  }

  #running(): RunFolder {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#folder === undefined) throw new SluiceError('UNREACHABLE', 'The guest is not running');
    return this.#folder;
  }

  #settings(ports: readonly number[]): string {
    const settings = {
      cwd: process.cwd(),
      path: `${executables}:${systemPath}`,
      modules: join(this.#machine.kernel.folder, 'lib', 'modules'),
      forwards: ports.join(', '),
    };
    return Object.entries(settings)
      .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
      .join('');
  }
}

async function within<T>(limitMs: number, work: Promise<T>, message: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new SluiceError('TIMEOUT', message)), limitMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function tail(path: string | undefined): Promise<string> {
  const text = path === undefined ? '' : await readFile(path, 'utf8').catch(() => '');
  return lastLines(text, 50);
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n');
}

function brief(command: string): string {
  const line = command.trim().split('\n')[0] ?? '';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
