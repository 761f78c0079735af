/**
 * The line between host and guest: a virtio serial port on a Unix socket, one word per event (start.sh has the list).
 * Output does not travel here: it is in files of the run folder.
 */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export interface Line {
  send(text: string): void;
  close(): void;
}

/** Waits for QEMU on a socket path; each complete line of the guest goes to `onText` without its newline. */
export async function openLine(path: string, onText: (text: string) => void): Promise<Line> {
  let socket: Socket | undefined;
  const server: Server = createServer(peer => {
    socket = peer;
    // Nobody else is expected: QEMU connects once.
    server.close();
    let rest = '';
    peer.setEncoding('utf8');
    peer.on('error', () => {});
    peer.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onText(line.trim());
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    send: text => void socket?.write(`${text}\n`),
    close: () => {
      socket?.destroy();
      server.close();
    },
  };
}
