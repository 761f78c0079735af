/**
 * A loader and scopes to try things in; runs as root in the guest.
 *
 * Owns: cgroups made for tests, running the probe in them, the events that come.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelEvent } from '../../kernel-event.ts';
import { Loader } from '../../loader.ts';
import type { Listed, NumberedName, Ready, Stats } from '../../loader-protocol.ts';
import { scopeFlags } from '../../loader-protocol.ts';

const build = join(import.meta.dirname, '../build');
const probe = join(build, 'probe');
export const loaderProgram = join(build, 'sluice-loader');

export const classes = {
  process: 1,
  file: 2,
  egress: 3,
  ingress: 4,
  socket: 5,
  syscall: 6,
  bind: 7,
} as const;
export type ClassName = keyof typeof classes;

const bits = { none: 0, allow: 1, audit: 2, deny: 3 } as const;
export type VerdictName = keyof typeof bits;

/** One entry of a rule set. `on` is a path, a code, or [transport, port, address, prefix bits]; absent: the posture. */
export interface TestRule {
  readonly class: ClassName;
  readonly on?: string | number | readonly [number, number, string, number];
  readonly direct: VerdictName;
  /** Absent: as `direct`. */
  readonly write?: VerdictName;
  /** Absent: as `direct` and `write`. */
  readonly deep?: VerdictName;
}

export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

let lastScope = 0;

/** Rules are told apart by their place in the list: "rule 3" is the third. */
export class Sensor {
  readonly events: KernelEvent[] = [];
  readonly #pins: string;
  readonly #ringBytes: number;
  #loader: Loader | undefined;
  #lastRuleset = 0;

  constructor({ pins, ringBytes = 1 << 24 }: { pins: string; ringBytes?: number }) {
    this.#pins = pins;
    this.#ringBytes = ringBytes;
  }

  async start(): Promise<Ready> {
    const ready = Promise.withResolvers<Ready>();
    this.#loader = new Loader({
      command: [loaderProgram, '--pins', this.#pins, '--ring-bytes', `${this.#ringBytes}`],
      onReady: ready.resolve,
      onEvent: event => this.events.push(event),
      onEnded: reason => ready.reject(new Error(reason)),
      onFailed: ready.reject,
      onLine: line => console.error(line),
    });
    this.#loader.start();
    const said = await ready.promise;
    for (const { ruleset } of (await this.list()).scopes)
      this.#lastRuleset = Math.max(this.#lastRuleset, ruleset);
    return said;
  }

  async stop(): Promise<void> {
    await this.#loader?.close();
    this.#loader = undefined;
  }

  /** For what a test does to the loader itself. */
  get loader(): Loader {
    return this.#loader!;
  }

  remove(): void {
    spawnSync(loaderProgram, ['--pins', this.#pins, '--remove']);
  }

  list(): Promise<Listed> {
    return this.loader.request({ kind: 'list' });
  }

  /** After this, `events` has everything that happened before. */
  async stats(): Promise<Stats> {
    await new Promise(resolve => setTimeout(resolve, 30));
    for (;;) {
      const stats = await this.loader.request({ kind: 'stats' });
      if (stats.drained) return stats;
    }
  }

  async scope({ host = false, report = true, under = '/sys/fs/cgroup' } = {}): Promise<Scope> {
    const path = join(under, `test-${process.pid}-${++lastScope}`);
    mkdirSync(path);
    const cgroupId = statSync(path).ino;
    const flags = (report ? scopeFlags.report : 0) | (host ? scopeFlags.host : 0);
    await this.acknowledged({ kind: 'scope-set', cgroupId, flags });
    return new Scope(this, { path, cgroupId, kind: host ? 'host' : 'container' });
  }

  async put(cgroupId: number, rules: readonly TestRule[]): Promise<void> {
    const ruleset = ++this.#lastRuleset;
    const names: NumberedName[] = rules.map((_, i) => ({
      rule: i + 1,
      policyId: 'test/policy',
      ruleId: `rule ${i + 1}`,
      generation: 100 + i + 1,
      severity: 5,
    }));
    const entries = rules.map((rule, i) => {
      const direct = bits[rule.direct] | (bits[rule.write ?? rule.direct] << 2);
      const deep = rule.deep === undefined ? direct : bits[rule.deep] | (bits[rule.deep] << 2);
      return { ...keyOf(rule), class: classes[rule.class], direct, deep, rule: i + 1, deepRule: i + 1 };
    });
    const token = Buffer.alloc(32, ruleset);
    await this.acknowledged({ kind: 'ruleset-put', cgroupId, ruleset, generation: 7, token, names, entries });
  }

  async acknowledged(request: Parameters<Loader['request']>[0]): Promise<void> {
    const answer = await this.loader.request(request);
    if (answer.kind === 'ack' && answer.errno !== 0) throw new Error(`${request.kind}: ${answer.message}`);
  }
}

function keyOf({ on }: TestRule): { prefixBits: number; data: Buffer } {
  if (on === undefined) return { prefixBits: 0, data: Buffer.alloc(0) };
  if (typeof on === 'number') return { prefixBits: 8, data: Buffer.from([on]) };
  if (typeof on === 'string') {
    const data = Buffer.from(on.endsWith('/') ? on : `${on}\0`);
    return { prefixBits: data.length * 8, data };
  }
  const [transport, port, address, prefix] = on;
  const ipv4 = address.split('.').map(Number);
  const bytes = Buffer.from([transport, port >> 8, port & 255, ...Array(10).fill(0), 255, 255, ...ipv4]);
  return { prefixBits: 24 + 96 + prefix, data: bytes };
}

export class Scope {
  readonly path: string;
  readonly cgroupId: number;
  readonly #sensor: Sensor;
  readonly #kind: string;

  constructor(sensor: Sensor, { path, cgroupId, kind }: { path: string; cgroupId: number; kind: string }) {
    this.#sensor = sensor;
    this.path = path;
    this.cgroupId = cgroupId;
    this.#kind = kind;
  }

  put(rules: readonly TestRule[]): Promise<void> {
    return this.#sensor.put(this.cgroupId, rules);
  }

  /** Runs an operation of the probe in the scope, in a mount namespace of its own. */
  try(...operation: string[]): Outcome {
    return this.run(probe, ...operation);
  }

  run(...command: string[]): Outcome {
    return tryOutside('in', this.path, this.#kind, ...command);
  }

  /** As `try`, but the runtime is led to execute a file that no mount namespace knows. */
  tryLeaked(...operation: string[]): Outcome {
    return tryOutside('in', this.path, 'leaked', probe, ...operation);
  }

  start(...operation: string[]): ChildProcess {
    return spawn(probe, ['in', this.path, this.#kind, probe, ...operation], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  /** Events of this scope so far. */
  async events(): Promise<KernelEvent[]> {
    await this.#sensor.stats();
    return this.#sensor.events.filter(event => event.scope === this.cgroupId);
  }
}

/** Runs an operation of the probe outside all scopes. */
export function tryOutside(...operation: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(probe, operation, { encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}`.trim() };
}

export function startOutside(...operation: string[]): ChildProcess {
  return spawn(probe, operation, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A folder on the guest's overlay root. */
export function folder(): string {
  return mkdtempSync('/root/test-');
}

export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0]!);
    });
    child.once('close', () => reject(new Error(`the process ended with ${JSON.stringify(text)}`)));
  });
}

export function outputOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.once('close', () => resolve(text.trim()));
  });
}
