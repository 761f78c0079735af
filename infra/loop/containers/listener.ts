/** A TCP server that no workload has business with: greets whoever connects. Says a line once it listens. */

import { createServer } from 'node:net';
import process from 'node:process';
import { listener } from './pods.ts';

createServer(socket => {
  socket.on('error', () => {});
  socket.end(`${listener.banner}\n`);
}).listen(listener.port, listener.ip, () => process.stdout.write('listening\n'));
