/** Address ranges as policies write them. */

import { isIPv4, isIPv6 } from 'node:net';

/** A range of one family. IPv4-mapped IPv6 addresses count as IPv4. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly prefix: number;
}

/** `10.0.0.0/8`, `2001:db8::/32`; undefined when it is none, or has bits set beyond its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  if (ranges.has(text)) return ranges.get(text);
  const range = readCidr(text);
  if (ranges.size >= mostRanges) ranges.clear();
  ranges.set(text, range);
  return range;
}

/** Who judges asks for the same ranges again for every access. */
const ranges = new Map<string, Cidr | undefined>();
const mostRanges = 16_384;

function readCidr(text: string): Cidr | undefined {
  const [address, length, ...rest] = text.split('/');
  const parsed = parseAddress(address ?? '');
  if (!parsed || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length ?? '')) return undefined;
  const isMapped = parsed.family === 4 && isIPv6(address!);
  const prefix = Number(length) - (isMapped ? 96 : 0);
  const hostBits = bitsOf(parsed.family) - prefix;
  if (prefix < 0 || hostBits < 0) return undefined;
  if (parsed.value & ((1n << BigInt(hostBits)) - 1n)) return undefined;
  return { family: parsed.family, first: parsed.value, prefix };
}

/** The range of one address: /32 or /128. Undefined when the text is no address. */
export function addressRange(address: string): Cidr | undefined {
  const parsed = parseAddress(address);
  return parsed && { family: parsed.family, first: parsed.value, prefix: bitsOf(parsed.family) };
}

/**
 * The one spelling of an address: IPv6 in lower case with its longest run of zeros left out, IPv4-mapped ones as IPv4, no zone.
 * What is no address comes back as it is.
 */
export function plainAddress(text: string): string {
  if (!text.includes(':')) return text;
  const known = plainIPv6.get(text);
  if (known !== undefined) return known;
  const parsed = parseAddress(text.replace(/%.*$/, ''));
  const plain = parsed ? spell(parsed) : text;
  if (plainIPv6.size >= mostRemembered) plainIPv6.clear();
  plainIPv6.set(text, plain);
  return plain;
}

/** Every event asks, mostly for the same few. */
const plainIPv6 = new Map<string, string>();
const mostRemembered = 4096;

function spell({ family, value }: { readonly family: 4 | 6; readonly value: bigint }): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => Number((value >> shift) & 0xffn)).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(16 * (7 - i))) & 0xffffn);
  const text = groups.map(group => group.toString(16)).join(':');
  const runs = [...text.matchAll(/(?<![^:])0(:0)+(?![^:])/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = text.search(new RegExp(`(?<![^:])${longest}(?![^:])`));
  const before = text.slice(0, at).replace(/:$/, '');
  return `${before}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const hostBits = BigInt(bitsOf(outer.family) - outer.prefix);
  return outer.first >> hostBits === inner.first >> hostBits;
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** An address without a zone; IPv4-mapped ones as IPv4. */
function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (isIPv4(text)) return { family: 4, value: parseIPv4(text) };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const value = parseIPv6(text);
  const isMapped = value >> 32n === 0xffffn;
  return isMapped ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

function parseIPv4(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIPv6(text: string): bigint {
  const dotted = /[^:]*\.[^:]*$/.exec(text)?.[0];
  const hex = dotted ? text.replace(dotted, groupsOf(parseIPv4(dotted))) : text;
  const [head = '', tail] = hex.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(ipv4: bigint): string {
  return `${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`;
}
