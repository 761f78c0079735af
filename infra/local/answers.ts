/** Whether a service not only listens but answers in its own protocol. */

import { connect } from 'node:net';
import { loopback } from './ports.ts';

const patienceMs = 2_000;
const apiVersionsKey = 18;
const correlationId = 0x51;

/** A request of ApiVersions v0 without a client id: size, key, version, correlation, null. */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(apiVersionsKey, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12);
  return request;
}

/** True when a broker there says without error which requests it takes. */
export function brokerAnswers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: loopback, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    let received = Buffer.alloc(0);
    socket.setTimeout(patienceMs, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => socket.write(apiVersionsRequest()));
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 10) return;
      end(received.readInt32BE(4) === correlationId && received.readInt16BE(8) === 0);
    });
  });
}

/** True when a registry there lists its subjects, which it does only once its storage is up. */
export async function registryAnswers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(patienceMs) });
    return response.ok && Array.isArray(await response.json());
  } catch {
    return false;
  }
}

/** True when a Redis there answers a ping. */
export function redisAnswers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: loopback, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patienceMs, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    // While it loads its data it says so instead.
    socket.once('data', chunk => end(chunk.toString().startsWith('+PONG')));
  });
}
