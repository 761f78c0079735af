/**
 * Requests to the loader and its answers, as bpf/PROTOCOL.md has them.
 *
 * Owns: their bytes. Does not own: framing (frame.ts), events (kernel-event.ts), the process (loader.ts).
 */

import { SluiceError } from '#errors';
import { FieldReader, FieldWriter } from './frame.ts';
import type { RuleName } from './ruling.ts';

export const protocolVersion = 1;

export const scopeFlags = { report: 1, host: 2 } as const;

export interface KernelEntry {
  readonly class: number;
  /** Two bits for reading, two for writing: 0 none, 1 allow, 2 audit, 3 deny. */
  readonly direct: number;
  readonly deep: number;
  /** 0: none. */
  readonly rule: number;
  readonly deepRule: number;
  readonly prefixBits: number;
  readonly data: Buffer;
}

export interface NumberedName extends RuleName {
  readonly rule: number;
}

export interface RuleSet {
  readonly names: readonly NumberedName[];
  readonly entries: readonly KernelEntry[];
  /** SHA-256 of names and entries. */
  readonly token: Buffer;
}

export interface RuleSetPut extends RuleSet {
  readonly cgroupId: number;
  readonly ruleset: number;
  readonly generation: number;
}

export type Request =
  | { readonly kind: 'hello' }
  | { readonly kind: 'scope-set'; readonly cgroupId: number; readonly flags: number }
  | { readonly kind: 'scope-remove'; readonly cgroupId: number }
  | ({ readonly kind: 'ruleset-put' } & RuleSetPut)
  | { readonly kind: 'ruleset-remove'; readonly cgroupId: number }
  | { readonly kind: 'list' }
  | { readonly kind: 'stats' };

const requestType = {
  hello: 1,
  'scope-set': 2,
  'scope-remove': 3,
  'ruleset-put': 4,
  'ruleset-remove': 5,
  list: 6,
  stats: 7,
} as const;

export const answerType = { ready: 129, ack: 130, listed: 131, stats: 132, events: 133 } as const;

export interface Ready {
  readonly kind: 'ready';
  readonly abi: number;
  readonly adopted: boolean;
  /** Last number given out; 0 when none was. */
  readonly sequence: number;
  readonly ringFull: number;
  /** Add to an event's time for the time since 1970. */
  readonly bootEpochUs: number;
  readonly bootId: string;
  readonly kernel: string;
  readonly missingHooks: readonly string[];
}

export interface Ack {
  readonly kind: 'ack';
  /** 0: done. */
  readonly errno: number;
  readonly message: string;
}

export interface ListedScope {
  readonly cgroupId: number;
  readonly flags: number;
  /** 0: none. */
  readonly ruleset: number;
  readonly generation: number;
  readonly token: Buffer;
  readonly entryCount: number;
  readonly names: readonly NumberedName[];
}

export interface Listed {
  readonly kind: 'listed';
  readonly scopes: readonly ListedScope[];
}

export interface Stats {
  readonly kind: 'stats';
  /** All events up to `sequence` that still exist came before this answer. */
  readonly drained: boolean;
  readonly sequence: number;
  readonly ringFull: number;
  readonly counters: Readonly<Record<string, number>>;
}

export type Answer = Ready | Ack | Listed | Stats;

export function encodeRequest(id: number, request: Request): { type: number; payload: Buffer } {
  const writer = new FieldWriter().u32(id);
  switch (request.kind) {
    case 'hello':
      writer.u32(protocolVersion);
      break;
    case 'scope-set':
      writer.u64(request.cgroupId).u32(request.flags);
      break;
    case 'scope-remove':
    case 'ruleset-remove':
      writer.u64(request.cgroupId);
      break;
    case 'ruleset-put':
      writePut(writer, request);
      break;
    default:
  }
  return { type: requestType[request.kind], payload: writer.finish() };
}

function writePut(writer: FieldWriter, put: RuleSetPut): void {
  writer.u64(put.cgroupId).u32(put.ruleset).u64(put.generation).bytes(put.token);
  writer.u32(put.names.length).u32(put.entries.length);
  writeRules(writer, put);
}

/** Names and entries in the loader's bytes: also what a rule set's token is taken over. */
export function writeRules(writer: FieldWriter, { names, entries }: Omit<RuleSet, 'token'>): void {
  for (const { rule, generation, severity, policyId, ruleId } of names) {
    writer.u32(rule).u64(generation).u8(severity).text(policyId).text(ruleId);
  }
  for (const entry of entries) {
    writer.u16(0).u8(entry.class).u8(entry.direct).u8(entry.deep).u8(0).u32(entry.rule).u32(entry.deepRule);
    writer.u16(entry.prefixBits).u16(entry.data.length).bytes(entry.data);
  }
}

/** Errors: RECORD_CORRUPT for a type this version does not know, RECORD_TRUNCATED. */
export function decodeAnswer(
  type: number,
  payload: Buffer,
): { readonly id: number; readonly answer: Answer } {
  const reader = new FieldReader(payload);
  const id = reader.u32();
  switch (type) {
    case answerType.ready:
      return { id, answer: readReady(reader) };
    case answerType.ack:
      return { id, answer: { kind: 'ack', errno: reader.i32(), message: reader.text() } };
    case answerType.listed:
      return { id, answer: { kind: 'listed', scopes: times(reader.u32(), () => readScope(reader)) } };
    case answerType.stats:
      return { id, answer: readStats(reader) };
    default:
      throw new SluiceError(
        'RECORD_CORRUPT',
        `the loader sent a frame of type ${type}; use the loader of this version`,
      );
  }
}

function readReady(reader: FieldReader): Ready {
  const protocol = reader.u32();
  if (protocol !== protocolVersion) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `the loader speaks protocol ${protocol}, this agent ${protocolVersion}; install both from one version`,
    );
  }
  const abi = reader.u32();
  const adopted = reader.u8() !== 0;
  reader.bytes(3);
  const sequence = reader.u64();
  const ringFull = reader.u64();
  const bootEpochUs = Number(reader.i64() / 1000n);
  const bootId = reader.text();
  const kernel = reader.text();
  const missingHooks = reader.text().split(',').filter(Boolean);
  return { kind: 'ready', abi, adopted, sequence, ringFull, bootEpochUs, bootId, kernel, missingHooks };
}

function readScope(reader: FieldReader): ListedScope {
  const cgroupId = reader.u64();
  const flags = reader.u32();
  const ruleset = reader.u32();
  const generation = reader.u64();
  const token = Buffer.from(reader.bytes(32));
  const entryCount = reader.u32();
  const names = times(reader.u32(), () => readName(reader));
  return { cgroupId, flags, ruleset, generation, token, entryCount, names };
}

function readName(reader: FieldReader): NumberedName {
  const rule = reader.u32();
  const generation = reader.u64();
  const severity = reader.u8();
  const policyId = reader.text();
  const ruleId = reader.text();
  return { rule, policyId, ruleId, generation, severity };
}

function readStats(reader: FieldReader): Stats {
  const drained = reader.u8() !== 0;
  reader.bytes(3);
  const sequence = reader.u64();
  const ringFull = reader.u64();
  const counters = times(reader.u32(), () => [reader.text(), reader.u64()] as const);
  return { kind: 'stats', drained, sequence, ringFull, counters: Object.fromEntries(counters) };
}

function times<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read());
  return items;
}
