/**
 * Schema registry over the Confluent-compatible REST API (ccompat v7): Apicurio, Confluent's own, Karapace.
 *
 * Owns: HTTP, retries, what an answer means. Does not own: schemas, ids in memory (#schemas).
 *
 * Invariants:
 * G1 A subject's compatibility is set before its first version, so that no version is ever registered unchecked.
 * G2 A schema the subject holds already, at whatever version, is looked up and never registered again.
 * G3 Only what may pass by itself is retried: no connection, no answer in time, a 5xx, 408 or 429.
 */

import { SluiceError } from '#errors';
import type { Registration, SchemaRegistry } from '#schemas';

export interface CcompatOptions {
  /** Base of the API: `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly url: string;
  /** Sent with every request: `{ authorization: 'Basic …' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long one request may take. Absent: 10 s. */
  readonly timeoutMs?: number;
  /** How often a request is tried in all. Absent: 5, which is about three seconds when nothing listens. */
  readonly attempts?: number;
  /** Longest pause before the second attempt, doubled before each further one. Absent: 200 ms. */
  readonly backoffMs?: number;
}

export interface CcompatRegistry extends SchemaRegistry {
  /** Every subject the registry holds. */
  subjects(): Promise<readonly string[]>;
  /** What the registry checks a new version of a subject by; undefined when nothing is set for it. */
  compatibilityOf(subject: string): Promise<string | undefined>;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly json?: unknown;
}

/** Codes of the API's error bodies that mean "not there", as opposed to a wrong address. */
const subjectNotFound = 40401;
const versionNotFound = 40402;
const schemaNotFound = 40403;
const subjectConfigNotFound = 40408;
const notThere = new Set<unknown>([subjectNotFound, versionNotFound, schemaNotFound, subjectConfigNotFound]);

/** Errors of every call: REGISTRY_UNREACHABLE after the attempts, REGISTRY_REFUSED with the registry's own words. */
export function ccompatRegistry(options: CcompatOptions): CcompatRegistry {
  const ask = asker(options);

  const compatibilityOf = async (subject: string): Promise<string | undefined> => {
    const answer = await ask({ path: `/config/${encodeURIComponent(subject)}` });
    const level = answer?.body.compatibilityLevel;
    return typeof level === 'string' ? level : undefined;
  };

  return {
    compatibilityOf,

    async register({ subject, schema, compatibility }: Registration): Promise<number> {
      const path = `/subjects/${encodeURIComponent(subject)}`;
      if ((await compatibilityOf(subject)) !== compatibility) {
        await ask({ method: 'PUT', path: `/config/${encodeURIComponent(subject)}`, json: { compatibility } });
      }
      const held = await ask({ method: 'POST', path, json: { schema } });
      const answer = held ?? (await ask({ method: 'POST', path: `${path}/versions`, json: { schema } }));
      const id = answer?.body.id;
      if (!Number.isInteger(id)) {
        throw new SluiceError('REGISTRY_REFUSED', `${options.url}: registering ${subject} gave no schema id`);
      }
      return id as number;
    },

    async schemaById(id: number): Promise<string> {
      const answer = await ask({ path: `/schemas/ids/${id}` });
      if (answer === undefined) {
        throw new SluiceError('SCHEMA_UNKNOWN', `${options.url} holds no schema with the id ${id}`);
      }
      return String(answer.body.schema);
    },

    async subjects(): Promise<readonly string[]> {
      const answer = await ask({ path: '/subjects' });
      return Object.values(answer?.body ?? {})
        .map(String)
        .sort();
    },
  };
}

/** Asks until there is an answer; undefined when the registry says that the thing asked for is not there. */
function asker({ url, headers, timeoutMs = 10_000, attempts = 5, backoffMs = 200 }: CcompatOptions) {
  const base = url.replace(/\/+$/, '');
  return async (request: Ask): Promise<Answer | undefined> => {
    let trouble: unknown;
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await pause(backoffMs * 2 ** (attempt - 1));
      try {
        const answer = await askOnce(base, request, { headers, timeoutMs });
        if (!mayPass(answer.status)) return judge(answer, request, base);
        trouble = new Error(`HTTP ${answer.status}: ${words(answer)}`);
      } catch (error) {
        if (error instanceof SluiceError) throw error;
        trouble = error;
      }
    }
    throw new SluiceError(
      'REGISTRY_UNREACHABLE',
      `no schema registry answers at ${base} (${attempts} attempts, last: ${reason(trouble)}): start it or mend the address`,
      { cause: trouble },
    );
  };
}

async function askOnce(
  base: string,
  { method = 'GET', path, json }: Ask,
  { headers, timeoutMs }: { readonly headers: CcompatOptions['headers']; readonly timeoutMs: number },
): Promise<Answer> {
  const response = await fetch(base + path, {
    method,
    headers: {
      accept: 'application/vnd.schemaregistry.v1+json, application/json',
      ...(json !== undefined && { 'content-type': 'application/vnd.schemaregistry.v1+json' }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: { message: text.slice(0, 200) } };
  }
}

function mayPass(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

function judge(answer: Answer, { method = 'GET', path }: Ask, base: string): Answer | undefined {
  if (answer.status >= 200 && answer.status < 300) return answer;
  if (answer.status === 404 && notThere.has(answer.body.error_code)) return undefined;
  throw new SluiceError(
    'REGISTRY_REFUSED',
    `the schema registry refused ${method} ${base}${path} with HTTP ${answer.status}: ${words(answer)}`,
  );
}

function words({ body }: Answer): string {
  return String(body.message ?? 'no reason given');
}

/** fetch says only "fetch failed"; the cause says why. */
function reason(trouble: unknown): string {
  if (!(trouble instanceof Error)) return String(trouble);
  const cause = trouble.cause;
  if (cause instanceof AggregateError) return reason(cause.errors[0]);
  return cause instanceof Error ? cause.message : trouble.message;
}

/** Up to the given time, at random, so that processes started together do not ask together. */
function pause(longestMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, longestMs * (0.5 + Math.random() / 2)));
}
