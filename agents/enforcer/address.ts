/**
 * IP addresses and prefixes as 128 bits: IPv4 as IPv4-mapped IPv6, so that one tree holds both.
 *
 * Owns: parsing, containment, text in RFC 5952 form (IPv4-mapped written as IPv4).
 */

import { isIP } from 'node:net';
import { SluiceError } from '#errors';

export interface AddressPrefix {
  /** 128 bits, zero beyond `bits`. */
  readonly value: bigint;
  /** 0 to 128; IPv4 counts from 96. */
  readonly bits: number;
}

const mapped = 0xffffn << 32n;

/** Parses `10.0.0.0/8`, `2001:db8::/32` or a bare address. Errors: INPUT_INVALID. */
export function parsePrefix(text: string): AddressPrefix {
  const [address = '', length, more] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const given = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (family === 0 || more !== undefined || !(given <= most)) {
    throw new SluiceError(
      'INPUT_INVALID',
      `${JSON.stringify(text)} is no address or CIDR; write 10.0.0.0/8 or 2001:db8::/32`,
    );
  }
  const bits = family === 4 ? 96 + given : given;
  const value = family === 4 ? mapped | ipv4(address) : ipv6(address);
  return { value: value & maskOf(bits), bits };
}

export function contains(outer: AddressPrefix, inner: AddressPrefix): boolean {
  return outer.bits <= inner.bits && (inner.value & maskOf(outer.bits)) === outer.value;
}

export function prefixKey({ value, bits }: AddressPrefix): string {
  return `${value.toString(16)}/${bits}`;
}

export function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

/** The address in 16 bytes, as text. */
export function formatAddress(bytes: Buffer, offset = 0): string {
  if (isMapped(bytes, offset)) {
    return `${bytes[offset + 12]}.${bytes[offset + 13]}.${bytes[offset + 14]}.${bytes[offset + 15]}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(offset + 2 * i));
  const zeros = longestZeroRun(groups);
  const text = (part: readonly number[]) => part.map(group => group.toString(16)).join(':');
  if (zeros.length < 2) return text(groups);
  return `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`;
}

function maskOf(bits: number): bigint {
  return ((1n << BigInt(bits)) - 1n) << BigInt(128 - bits);
}

function ipv4(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6(text: string): bigint {
  const withoutZone = text.split('%')[0]!;
  const dotted = /(?<=:)(\d+\.\d+\.\d+\.\d+)$/.exec(withoutZone)?.[1];
  const hex = dotted
    ? `${withoutZone.slice(0, -dotted.length)}${(ipv4(dotted) >> 16n).toString(16)}:${(ipv4(dotted) & 0xffffn).toString(16)}`
    : withoutZone;
  const [head = '', tail] = hex.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = !tail ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function isMapped(bytes: Buffer, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
