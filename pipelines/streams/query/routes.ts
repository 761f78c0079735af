/** What a server answers, by path. */

import type { PrometheusMetrics } from '../observe/prometheus.ts';
import { answerKey, answerTimes } from './key-answer.ts';
import { namedStores } from './named-store.ts';
import { Parameters } from './parameters.ts';
import type { AskPeer } from './peers.ts';
import { toJson } from './plain.ts';
import type { QuerySource } from './query-source.ts';
import { answerRange, answerSpan } from './range-answer.ts';
import { Refusal } from './refusal.ts';
import { type Asked, placeParameters } from './store-query.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Served {
  readonly source: QuerySource;
  readonly metrics: PrometheusMetrics;
  readonly ask: AskPeer;
}

export interface Request {
  /** Path and parameters, as they came. */
  readonly url: string;
  readonly isHop: boolean;
}

interface Route {
  /** `:` stands for any part. */
  readonly path: string;
  readonly parameters?: readonly string[];
  answer(asked: Asked, served: Served, rest: readonly string[]): Answer | Promise<Answer>;
}

const json = (value: unknown, status = 200): Answer => ({
  status,
  contentType: 'application/json',
  body: `${toJson(value)}\n`,
});
const text = (body: string): Answer => ({ status: 200, contentType: 'text/plain; charset=utf-8', body });

const routes: readonly Route[] = [
  { path: '/health', answer: (_, { source }) => health(source) },
  {
    path: '/metrics',
    parameters: ['format'],
    answer: async ({ parameters }, { source, metrics }) =>
      parameters.oneOf('format', ['prometheus', 'json'], 'prometheus') === 'json'
        ? json({ ...aboutOf(source), lag: source.lag(), metrics: source.metrics() })
        : { status: 200, contentType: metrics.contentType, body: await metrics.text() },
  },
  {
    path: '/topology',
    parameters: ['format'],
    answer: ({ parameters }, { source: { topology } }) =>
      text(
        parameters.oneOf('format', ['text', 'mermaid'], 'text') === 'text'
          ? topology.describe()
          : topology.mermaid(),
      ),
  },
  { path: '/group', answer: (_, { source }) => json({ ...aboutOf(source), group: source.group() }) },
  { path: '/stores', answer: (_, { source }) => json({ ...aboutOf(source), stores: storesOf(source) }) },
  {
    path: '/stores/:',
    parameters: [...placeParameters, 'from', 'to', 'limit', 'next'],
    answer: async asked => json(await answerRange(asked)),
  },
  {
    path: '/stores/:/keys/:',
    parameters: placeParameters,
    answer: async (asked, _, [, key = '']) => json(await answerKey(asked, key)),
  },
  {
    path: '/stores/:/windows',
    parameters: [...placeParameters, 'from', 'to', 'limit', 'next'],
    answer: async asked => json(await answerSpan(asked)),
  },
  {
    path: '/stores/:/windows/:',
    parameters: [...placeParameters, 'from', 'to', 'limit'],
    answer: async (asked, _, [, key = '']) => json(await answerTimes(asked, key)),
  },
];

/** Errors: Refusal. */
export async function answer(served: Served, { url, isHop }: Request): Promise<Answer> {
  const { pathname, searchParams } = parse(url);
  const parts = pathname.split('/');
  const route = routes.find(({ path }) => matches(path.split('/'), parts));
  if (!route)
    throw new Refusal(404, `nothing is answered at ${pathname}`, {
      fields: { paths: routes.map(({ path }) => path) },
    });
  const names = route.path.split('/');
  const rest = parts.filter((_, at) => names[at] === ':').map(decoded);
  const parameters = new Parameters(searchParams, route.parameters ?? []);
  const { source, ask } = served;
  return route.answer({ source, ask, path: pathname, name: rest[0] ?? '', parameters, isHop }, served, rest);
}

function parse(url: string): URL {
  try {
    return new URL(url, 'http://streams');
  } catch {
    throw new Refusal(400, 'the address is none');
  }
}

const matches = (path: readonly string[], parts: readonly string[]) =>
  path.length === parts.length && path.every((part, at) => part === ':' || part === parts[at]);

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(
      400,
      `${part}: it is not percent-encoded UTF-8; use encoding=base64url for other bytes`,
    );
  }
}

const aboutOf = ({ applicationId, state }: QuerySource) => ({ application: applicationId, state });

function health(source: QuerySource): Answer {
  return json(aboutOf(source), source.state === 'running' ? 200 : 503);
}

function storesOf(source: QuerySource): readonly unknown[] {
  const group = source.group();
  return namedStores(source.topology.graph).map(({ name, kind, subTopology, changelog }) => ({
    name,
    kind,
    subTopology,
    changelog,
    partitions: Array.from({ length: source.partitionsOf(name) ?? 0 }, (_, partition) => ({
      partition,
      endpoint: group?.members.find(each => each.partitions.includes(partition))?.endpoint ?? null,
      isHere: source.store(name, partition) !== null,
    })),
  }));
}
