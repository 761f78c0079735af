/** For tests: the few ccompat calls that clients make, on loopback, with faults to order. Checks no compatibility. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StubRegistry {
  readonly url: string;
  /** `METHOD /path` of every request so far. */
  readonly requests: readonly string[];
  /** Makes an id known without a request; gives the id a schema has. */
  hold(subject: string, schema: string): number;
  /** Answers the next requests with these, in order, before anything else is looked at. */
  failNext(...answers: readonly { status: number; body: string }[]): void;
  close(): Promise<void>;
}

interface State {
  readonly schemas: string[];
  readonly subjects: Map<string, number[]>;
  readonly levels: Map<string, string>;
}

export async function stubRegistry(): Promise<StubRegistry> {
  const state: State = { schemas: [], subjects: new Map(), levels: new Map() };
  const requests: string[] = [];
  const faults: { status: number; body: string }[] = [];

  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const fault = faults.shift();
    if (fault !== undefined) return void response.writeHead(fault.status).end(fault.body);
    const body = await bodyOf(request);
    answer(response, route(state, `${request.method} ${request.url}`, body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    hold: (subject, schema) => hold(state, subject, schema),
    failNext: (...answers) => void faults.push(...answers),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Reply = [status: number, body: unknown];

function route(state: State, call: string, body: Record<string, string>): Reply {
  const [, subject = ''] = /\/(?:subjects|config)\/([^/]+)/.exec(call) ?? [];
  const held = state.subjects.get(subject) ?? [];
  if (call.startsWith('GET /config/')) {
    const level = state.levels.get(subject);
    return level ? [200, { compatibilityLevel: level }] : missing(40408, `no config of ${subject}`);
  }
  if (call.startsWith('PUT /config/')) {
    state.levels.set(subject, body.compatibility!);
    return [200, body];
  }
  if (call.startsWith('GET /schemas/ids/')) {
    const schema = state.schemas[Number(call.split('/').at(-1)) - 1];
    return schema === undefined ? missing(40403, 'no such id') : [200, { schema }];
  }
  if (call === 'GET /subjects') return [200, [...state.subjects.keys()]];
  if (call.endsWith('/versions')) return [200, { id: hold(state, subject, body.schema!) }];
  const id = state.schemas.indexOf(body.schema!) + 1;
  return held.includes(id) ? [200, { id, version: held.indexOf(id) + 1 }] : missing(40403, 'no such schema');
}

function missing(code: number, message: string): Reply {
  return [404, { error_code: code, message }];
}

function hold({ schemas, subjects }: State, subject: string, schema: string): number {
  const id = schemas.includes(schema) ? schemas.indexOf(schema) + 1 : schemas.push(schema);
  subjects.set(subject, [...new Set([...(subjects.get(subject) ?? []), id])]);
  return id;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}

function answer(response: ServerResponse, [status, body]: Reply): void {
  response
    .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
    .end(JSON.stringify(body));
}
