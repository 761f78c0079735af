import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

/** Sockets whose network can be made to fail, for tests of what outlives it. */
export class FaultyNetwork {
  readonly #sockets = new Set<net.Socket>();
  readonly #swallowed = new Set<number>();
  #state: 'up' | 'cut' | 'silent' = 'up';
  /** Connections opened so far. */
  opened = 0;

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    this.opened += 1;
    const socket = ssl
      ? tls.connect({ host, port, ...ssl }, onConnect)
      : net.connect({ host, port: this.#state === 'cut' ? closedPort : port }, onConnect);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const { write } = socket;
    // One request a write: four bytes of length, then its kind.
    socket.write = ((frame: Buffer, ...rest: []) =>
      this.#swallowed.has(Buffer.from(frame).readInt16BE(4)) ||
      write.call(socket, frame, ...rest)) as typeof write;
    this.#silence(socket);
    return socket;
  };

  /** From here on no broker answers requests of this kind (the protocol's number); all else goes on. */
  swallow(apiKey: number): void {
    this.#swallowed.add(apiKey);
  }

  /** Every connection breaks and none can be opened, as when the broker is gone. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy(reset());
  }

  /** Everything sent is lost and nothing arrives, but no connection breaks. */
  silence(): void {
    this.#state = 'silent';
    for (const socket of this.#sockets) this.#silence(socket);
  }

  heal(): void {
    this.#state = 'up';
    this.#swallowed.clear();
    // What was silent stays lost: a broken connection is what brings the other side back.
    for (const socket of this.#sockets) if (socket.isPaused()) socket.destroy(reset());
  }

  #silence(socket: net.Socket): void {
    if (this.#state !== 'silent') return;
    socket.pause();
    socket.write = () => true;
  }
}

const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** Reserved, so nothing listens there. */
const closedPort = 1;
