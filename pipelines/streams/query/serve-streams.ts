/**
 * Questions to a running application over HTTP: its metrics, its state, its stores, wherever in the group they are.
 *
 * Owns: the server, who may ask, what a failure looks like. Does not own: answers (routes.ts).
 *
 * What is read is what the last record left, committed or not; between two records, hence of one key never half a change.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { classify, SluiceError } from '#errors';
import type { Clock } from '../clock.ts';
import { prometheusMetrics } from '../observe/prometheus.ts';
import type { StreamsLogger } from '../runtime/streams-options.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { Access } from './access.ts';
import { addressOf, endpointOf } from './listen-address.ts';
import { askPeers, hopHeader } from './peers.ts';
import { toJson } from './plain.ts';
import type { QuerySource } from './query-source.ts';
import { Refusal } from './refusal.ts';
import { type Answer, answer, type Served } from './routes.ts';

export interface ServeOptions {
  /** `host:port`, `:port` or `port`; without a host, this machine only; port 0: any that is free. */
  readonly listen: string;
  /** Where other members reach this server: `host` or `host:port`. Absent: where it listens. */
  readonly advertised?: string;
  /** Who asks has to show it, except for `/health`; the same for all members. Absent or empty: anybody who can connect may ask. */
  readonly token?: string;
  /** Absent: the system's. */
  readonly clock?: Clock;
  readonly logger?: StreamsLogger;
}

export interface StreamsServer {
  /** `host:port`, as the group is told. */
  readonly endpoint: string;
  /** Answers what was asked, then takes no more. Idempotent. */
  close(): Promise<void>;
}

/**
 * Answers from now on, and has the group told where: call it before `start`. The server does not keep the process alive.
 * Errors: CONFIG_INVALID for an address that cannot be listened at or advertised.
 */
export async function serveStreams(streams: QuerySource, options: ServeOptions): Promise<StreamsServer> {
  const { clock = systemClock, logger } = options;
  const { host, port } = addressOf(options.listen);
  const server = createServer();
  await listening(server, { host, port });
  const endpoint = endpointOf({ host, port: (server.address() as AddressInfo).port }, options.advertised);
  const hosts = [host, endpoint.replace(/:\d+$/, '')];
  const access = new Access({ token: options.token || null, hosts, clock });
  const served: Served = {
    source: streams,
    metrics: prometheusMetrics(streams, { ofProcess: true }),
    ask: askPeers({ access, clock }),
  };
  server.on('request', (request, response) => {
    void respond(request, { served, access }).then(
      ({ headers = {}, ...found }) => send(request, response, { ...found, headers }),
      error => logger?.warn({ error }, 'A question could not be answered'),
    );
  });
  server.unref();
  streams.advertise(endpoint);
  let closing: Promise<void> | null = null;
  return {
    endpoint,
    close() {
      closing ??= new Promise(resolve => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      return closing;
    },
  };
}

type Sent = Answer & { readonly headers?: Readonly<Record<string, string>> };

async function respond(
  { method = 'GET', url = '/', headers }: IncomingMessage,
  { served, access }: { readonly served: Served; readonly access: Access },
): Promise<Sent> {
  try {
    if (method !== 'GET' && method !== 'HEAD')
      throw new Refusal(405, `${method} is not answered: everything is read with GET`, {
        headers: { allow: 'GET, HEAD' },
      });
    // A probe has no token, and learns no more than that something runs.
    if (url !== '/health') access.check(url, headers);
    return await answer(served, { url, isHop: headers[hopHeader] !== undefined });
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): Sent {
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, classify(error).message, { fields: { code: classify(error).code } });
  const { status, message, fields, headers } = refusal;
  return {
    status,
    headers,
    contentType: 'application/json',
    body: `${toJson({ error: message, ...fields })}\n`,
  };
}

function send({ method }: IncomingMessage, response: ServerResponse, sent: Sent): void {
  const { status, headers, contentType, body } = sent;
  response.writeHead(status, {
    ...headers,
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(method === 'HEAD' ? undefined : body);
}

function listening(server: Server, address: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `nothing can listen at ${address.host}:${address.port} (${cause.code}): choose another address, or port 0 for one that is free`;
      reject(new SluiceError('CONFIG_INVALID', message, { cause }));
    });
    server.listen(address, () => resolve());
  });
}
