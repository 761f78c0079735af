import { request } from 'node:http';

export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface WebQuestion {
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const answerWithinMs = 15_000;

/** One request on a connection of its own: no reuse, so that each is accepted anew. Rejects when nothing answers. */
export function ask({ host, path, method = 'GET', headers = {}, body }: WebQuestion): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` };
    const sent = request({ host, path, method, headers: { ...headers, ...length }, agent: false }, answer => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', chunk => {
        text += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
      );
    });
    sent.setTimeout(answerWithinMs, () =>
      sent.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
