import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { listInputs, readInput } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What was read of a file of these bytes, and why not the rest. */
async function read(...parts: readonly Buffer[]): Promise<{ text: string; failure: string }> {
  const path = join(folder, 'input');
  writeFileSync(path, Buffer.concat(parts));
  let text = '';
  try {
    for await (const piece of readInput(listInputs([path])[0]!)) text += piece.toString();
  } catch (error) {
    return { text, failure: (error as Error).message };
  }
  return { text, failure: '' };
}

describe('the bytes of a file', () => {
  it('are those of all members of a packed one', async () => {
    expect(await read(gzipSync('a\n'), gzipSync(''), gzipSync('b\n'))).toEqual({
      text: 'a\nb\n',
      failure: '',
    });
  });

  /** So many that they are not unpacked together with what follows. */
  const many = randomBytes(9000).toString('hex');

  it.each<[string, Buffer]>([
    ['is cut off', gzipSync('b'.repeat(1000)).subarray(0, 20)],
    ['is damaged', Buffer.from(gzipSync(many)).fill(0x55, 5000)],
    ['is not packed at all', Buffer.from('{"a":1}\n')],
  ])('before what %s are delivered, and what is wrong is said', async (_, bad) => {
    const { text, failure } = await read(gzipSync(many), bad);
    expect(text.slice(0, 8000)).toBe(many.slice(0, 8000));
    expect(failure).toContain('cannot be read');
  });

  it('may be few, or none', async () => {
    expect(await read()).toEqual({ text: '', failure: '' });
    expect(await read(Buffer.from('\x1f'))).toEqual({ text: '\x1f', failure: '' });
  });
});
