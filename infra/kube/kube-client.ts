/** As much of the Kubernetes API as it takes to put documents there and to read them back. */

import { request } from 'node:https';
import { SluiceError } from '#errors';

export interface KubeAccess {
  readonly url: string;
  readonly token: string;
  /** Of the server, in PEM. */
  readonly certificate: string;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

export interface KubeAnswer {
  readonly status: number;
  /** The object, or the server's Status with its reasons. */
  readonly body: unknown;
}

const patienceMs = 20_000;

export class KubeClient {
  readonly #access: KubeAccess;

  constructor(access: KubeAccess) {
    this.#access = access;
  }

  async isReady(): Promise<boolean> {
    return (await this.#ask('GET', '/readyz')).status === 200;
  }

  /** Fields that the server does not know are refused, not dropped. Errors: UNREACHABLE. */
  create(object: KubeObject): Promise<KubeAnswer> {
    return this.#ask('POST', `${pathOf(object)}?fieldValidation=Strict`, object);
  }

  read(object: KubeObject): Promise<KubeAnswer> {
    return this.#ask('GET', `${pathOf(object)}/${object.metadata.name}`);
  }

  remove(object: KubeObject): Promise<KubeAnswer> {
    return this.#ask('DELETE', `${pathOf(object)}/${object.metadata.name}`);
  }

  #ask(method: string, path: string, body?: unknown): Promise<KubeAnswer> {
    const { url, token, certificate } = this.#access;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, ...(text && { 'content-type': 'application/json' }) };
    return new Promise((resolve, reject) => {
      const asked = request(
        `${url}${path}`,
        { method, headers, ca: certificate, timeout: patienceMs },
        async response => {
          response.setEncoding('utf8');
          let answer = '';
          for await (const chunk of response) answer += chunk;
          resolve({ status: response.statusCode ?? 0, body: parsed(answer) });
        },
      );
      asked.once('timeout', () => asked.destroy(new Error(`no answer within ${patienceMs} ms`)));
      asked.once('error', cause =>
        reject(new SluiceError('UNREACHABLE', `${method} ${url}${path}: ${cause.message}`, { cause })),
      );
      asked.end(text);
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Plural names as the definitions of all kinds here have them. */
function pathOf({ apiVersion, kind, metadata: { namespace } }: KubeObject): string {
  const lower = kind.toLowerCase();
  const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${plural}`;
}
