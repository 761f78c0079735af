/** A connection that speaks Redis' protocol (RESP2), enough to drive a server: one command at a time. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type RedisReply = string | number | null | readonly RedisReply[];

const answerWithinMs = 15_000;

export class RedisConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(host: string, port: number): Promise<RedisConnection> {
    const socket = connect({ host, port });
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error('redis does not answer')));
    await once(socket, 'connect');
    return new RedisConnection(socket);
  }

  /** The reply. Rejects with the server's words when it refuses, or when the connection ends. */
  async send(...words: readonly string[]): Promise<RedisReply> {
    const parts = words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    for (;;) {
      const read = readReply(this.#received, 0);
      if (read !== undefined) {
        this.#received = this.#received.subarray(read.next);
        if (read.reply instanceof Error) throw read.reply;
        return read.reply;
      }
      const [chunk] = await Promise.race([once(this.#socket, 'data'), this.#end()]);
      this.#received = Buffer.concat([this.#received, chunk]);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #end(): Promise<never> {
    await once(this.#socket, 'close');
    throw new Error('redis closed the connection');
  }
}

interface Read {
  readonly reply: RedisReply | Error;
  readonly next: number;
}

/** The reply at an offset; undefined while it is incomplete. */
function readReply(bytes: Buffer, offset: number): Read | undefined {
  const end = bytes.indexOf('\r\n', offset);
  if (end < 0) return undefined;
  const line = bytes.toString('utf8', offset + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[offset] ?? 0)) {
    case '+':
      return { reply: line, next };
    case '-':
      return { reply: new Error(line), next };
    case ':':
      return { reply: Number(line), next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, next };
      if (bytes.length < next + length + 2) return undefined;
      return { reply: bytes.toString('utf8', next, next + length), next: next + length + 2 };
    }
    case '*':
      return readArray(bytes, next, Number(line));
    default:
      throw new Error(`not a redis reply: ${line}`);
  }
}

function readArray(bytes: Buffer, offset: number, length: number): Read | undefined {
  const items: RedisReply[] = [];
  let next = offset;
  for (let i = 0; i < length; i++) {
    const item = readReply(bytes, next);
    if (item === undefined) return undefined;
    if (item.reply instanceof Error) return item;
    items.push(item.reply);
    next = item.next;
  }
  return { reply: items, next };
}
