/** States and results as bytes: JSON that knows maps, compressed. */

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const [compress, decompress] = [promisify(gzip), promisify(gunzip)];
const mapMark = '#map';

export async function packed(value: object): Promise<Buffer> {
  return compress(JSON.stringify(value, mapsAsLists));
}

/** What was packed as a `T`. */
export async function unpacked<T>(bytes: Buffer): Promise<T> {
  return JSON.parse((await decompress(bytes)).toString(), listsAsMaps) as T;
}

function mapsAsLists(_: string, value: unknown): unknown {
  return value instanceof Map ? { [mapMark]: [...value] } : value;
}

function listsAsMaps(_: string, value: unknown): unknown {
  const isMap = typeof value === 'object' && value !== null && Object.hasOwn(value, mapMark);
  return isMap ? new Map((value as Record<typeof mapMark, [unknown, unknown][]>)[mapMark]) : value;
}
