/**
 * A kernel part for tests: scopes, rule sets, sequence and ring buffer in memory, served to loader processes that are
 * mere pipes. A pipe can be killed like a loader, and what this holds outlives it like pins do.
 *
 * Owns: the loader's side of bpf/PROTOCOL.md as far as tests need it. Decisions are those of kernel-model.ts.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bytesOf, parsePrefix } from './address.ts';
import { encodeFrame, FieldReader, FieldWriter, FrameReader } from './frame.ts';
import { layout } from './kernel-event.ts';
import { answerType, type KernelEntry, type NumberedName, type RuleSet } from './loader-protocol.ts';

export interface FakeEvent {
  readonly scope: number;
  readonly class: number;
  readonly op: number;
  readonly verdict?: 'ALLOW' | 'AUDIT' | 'DENY';
  readonly ruleset?: number;
  readonly rule?: number;
  readonly generation?: number;
  readonly access?: number;
  readonly flags?: number;
  readonly transport?: number;
  readonly family?: number;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly remoteAddress?: string;
  readonly pid?: number;
  readonly comm?: string;
  readonly path?: string;
  readonly target?: string;
  readonly executable?: string;
  readonly parent?: string;
  readonly timeNs?: number;
}

interface FakeScope {
  readonly flags: number;
  ruleset?: { readonly id: number; readonly generation: number } & RuleSet;
}

/** Connects a child's stdin and stdout with the fake kernel; run as `node -e`. */
const pipeProgram = `
const socket = require('node:net').connect(process.argv[1]);
process.stdin.pipe(socket); socket.pipe(process.stdout);
process.stderr.write('pid ' + process.pid + '\\n');
socket.on('close', () => process.exit(0)); socket.on('error', () => process.exit(1));`;

export class FakeKernel {
  readonly bootId = 'boot-1';
  bootEpochUs = 1_700_000_000_000_000;
  readonly scopes = new Map<number, FakeScope>();
  readonly puts: { readonly cgroupId: number; readonly ruleset: number; readonly rules: RuleSet }[] = [];
  sequence = 0;
  ringFull = 0;
  /** The next puts are refused with this errno. */
  refuseWith = 0;
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-kernel-'));
  readonly #server: Server;
  #socket: Socket | undefined;
  #ring: Buffer[] = [];
  #served = false;
  #withheld = false;

  constructor() {
    this.#server = createServer(socket => this.#serve(socket)).listen(this.#path);
  }

  get command(): [string, ...string[]] {
    return [process.execPath, '-e', pipeProgram, this.#path];
  }

  /** An executable that is a loader to whoever starts it, whatever its options. */
  loaderProgram(): string {
    const path = join(this.#directory, 'loader');
    const program = pipeProgram.replace('process.argv[1]', JSON.stringify(this.#path));
    writeFileSync(path, `#!${process.execPath}\n${program}`, { mode: 0o755 });
    return path;
  }

  get #path(): string {
    return join(this.#directory, 'kernel.sock');
  }

  /** Takes the socket away as a killed loader would: what was handed out is gone, what is held stays. */
  killLoader(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** What happens from here on stays in the ring buffer until `release`, or is lost with `loseRing`. */
  withhold(): void {
    this.#withheld = true;
  }

  release(): void {
    this.#withheld = false;
    this.#flush();
  }

  /** As a loader does that is killed after reading the ring and before handing on. */
  loseRing(): void {
    this.#ring = [];
  }

  /** A number given out that found no room. */
  overflow(count: number): void {
    this.sequence += count;
    this.ringFull += count;
  }

  /** Gives it the next number; it is handed out at once when a loader serves. */
  happen(event: FakeEvent): number {
    this.sequence += 1;
    this.#ring.push(encodeEvent(this.sequence, event));
    this.#flush();
    return this.sequence;
  }

  rulesOf(cgroupId: number): ({ readonly id: number } & RuleSet) | undefined {
    return this.scopes.get(cgroupId)?.ruleset;
  }

  close(): void {
    this.killLoader();
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.#socket = socket;
    const frames = new FrameReader();
    socket.on('data', chunk => {
      for (const { type, payload } of frames.push(chunk))
        this.#answer(socket, type, new FieldReader(payload));
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
  }

  #flush(): void {
    if (!this.#socket || this.#withheld || this.#ring.length === 0) return;
    const writer = new FieldWriter().u32(this.#ring.length);
    for (const event of this.#ring) writer.u32(event.length).bytes(event);
    this.#ring = [];
    this.#socket.write(encodeFrame(answerType.events, writer.finish()));
  }

  #answer(socket: Socket, type: number, reader: FieldReader): void {
    const request = reader.u32();
    const answer = new FieldWriter().u32(request);
    const send = (answerKind: number) => socket.write(encodeFrame(answerKind, answer.finish()));
    const ack = (errno: number) => {
      answer.u32(errno).text(errno === 0 ? '' : `errno ${errno}`);
      send(answerType.ack);
    };
    switch (type) {
      case 1: {
        answer
          .u32(1)
          .u32(1)
          .u8(this.#served ? 1 : 0)
          .bytes(Buffer.alloc(3))
          .u64(this.sequence)
          .u64(this.ringFull);
        const epochNs = Buffer.alloc(8);
        epochNs.writeBigInt64LE(BigInt(this.bootEpochUs) * 1000n);
        answer.bytes(epochNs);
        answer.text(this.bootId).text('fake').text('');
        this.#served = true;
        send(answerType.ready);
        this.#flush();
        break;
      }
      case 2:
        this.#setScope(reader.u64(), reader.u32());
        ack(0);
        break;
      case 3:
        ack(this.scopes.delete(reader.u64()) ? 0 : 2);
        break;
      case 4:
        ack(this.#put(reader));
        break;
      case 5: {
        const scope = this.scopes.get(reader.u64());
        if (scope) delete scope.ruleset;
        ack(scope ? 0 : 2);
        break;
      }
      case 6:
        this.#list(answer);
        send(answerType.listed);
        break;
      case 7: {
        const { sequence } = this;
        this.#flush();
        answer
          .u8(this.#ring.length === 0 ? 1 : 0)
          .bytes(Buffer.alloc(3))
          .u64(sequence)
          .u64(this.ringFull);
        answer.u32(1).text('emitted').u64(sequence);
        send(answerType.stats);
        break;
      }
      default:
        ack(22);
    }
  }

  #setScope(cgroupId: number, flags: number): void {
    const before = this.scopes.get(cgroupId);
    this.scopes.set(cgroupId, { ...before, flags });
  }

  #put(reader: FieldReader): number {
    const cgroupId = reader.u64();
    const ruleset = reader.u32();
    const generation = reader.u64();
    const token = Buffer.from(reader.bytes(32));
    const [nameCount, entryCount] = [reader.u32(), reader.u32()];
    const names: NumberedName[] = [];
    for (let i = 0; i < nameCount; i++) {
      const [rule, nameGeneration, severity] = [reader.u32(), reader.u64(), reader.u8()];
      names.push({
        rule,
        generation: nameGeneration,
        severity,
        policyId: reader.text(),
        ruleId: reader.text(),
      });
    }
    const entries: KernelEntry[] = [];
    for (let i = 0; i < entryCount; i++) entries.push(readEntry(reader));
    const scope = this.scopes.get(cgroupId);
    if (!scope) return 2;
    if (this.refuseWith !== 0) return this.refuseWith;
    if (this.puts.some(put => put.ruleset === ruleset)) return 17;
    const rules = { names, entries, token };
    this.puts.push({ cgroupId, ruleset, rules });
    scope.ruleset = { id: ruleset, generation, ...rules };
    return 0;
  }

  #list(answer: FieldWriter): void {
    answer.u32(this.scopes.size);
    for (const [cgroupId, { flags, ruleset }] of this.scopes) {
      answer
        .u64(cgroupId)
        .u32(flags)
        .u32(ruleset?.id ?? 0)
        .u64(ruleset?.generation ?? 0);
      answer.bytes(ruleset?.token ?? Buffer.alloc(32)).u32(ruleset?.entries.length ?? 0);
      answer.u32(ruleset?.names.length ?? 0);
      for (const { rule, generation, severity, policyId, ruleId } of ruleset?.names ?? []) {
        answer.u32(rule).u64(generation).u8(severity).text(policyId).text(ruleId);
      }
    }
  }
}

function readEntry(reader: FieldReader): KernelEntry {
  reader.u16();
  const [kernelClass, direct, deep] = [reader.u8(), reader.u8(), reader.u8()];
  reader.u8();
  const [rule, deepRule, prefixBits] = [reader.u32(), reader.u32(), reader.u16()];
  const data = Buffer.from(reader.bytes(reader.u16()));
  return { class: kernelClass, direct, deep, rule, deepRule, prefixBits, data };
}

const verdictCode = { ALLOW: 1, AUDIT: 2, DENY: 3 } as const;

export function encodeEvent(sequence: number, event: FakeEvent): Buffer {
  const texts = [event.path, event.target, event.executable, event.parent].map(text =>
    Buffer.from(text ?? '', 'utf8'),
  );
  const head = Buffer.alloc(layout.texts);
  head.writeBigUInt64LE(BigInt(sequence), layout.sequence);
  head.writeBigUInt64LE(BigInt(event.timeNs ?? sequence * 1_000_000), layout.timeNs);
  head.writeBigUInt64LE(BigInt(event.scope), layout.scope);
  head.writeBigUInt64LE(BigInt(event.scope), layout.cgroup);
  head.writeBigUInt64LE(BigInt(event.generation ?? 0), layout.generation);
  head.writeUInt32LE(event.pid ?? 100, layout.pid);
  head.writeUInt32LE(event.pid ?? 100, layout.tid);
  head.writeUInt32LE(1, layout.ppid);
  head.writeUInt32LE(event.ruleset ?? 0, layout.ruleset);
  head.writeUInt32LE(event.rule ?? 0, layout.rule);
  head[layout.class] = event.class;
  head[layout.op] = event.op;
  head[layout.verdict] = verdictCode[event.verdict ?? 'ALLOW'];
  head[layout.access] = event.access ?? 1;
  head.writeUInt16LE(event.flags ?? 0, layout.flags);
  head[layout.transport] = event.transport ?? 0;
  head[layout.family] = event.family ?? 0;
  head.writeUInt16LE(event.localPort ?? 0, layout.localPort);
  head.writeUInt16LE(event.remotePort ?? 0, layout.remotePort);
  for (const [i, text] of texts.entries()) head.writeUInt16LE(text.length, layout.pathLength + 2 * i);
  if (event.localAddress) bytesOf(parsePrefix(event.localAddress).value).copy(head, layout.localAddress);
  if (event.remoteAddress) bytesOf(parsePrefix(event.remoteAddress).value).copy(head, layout.remoteAddress);
  head.write(event.comm ?? 'nginx', layout.comm, 15, 'utf8');
  return Buffer.concat([head, ...texts]);
}
