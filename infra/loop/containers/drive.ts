/**
 * The client: ordinary use of nginx and redis (`node drive.ts --rounds N`), the same behaviours in each round.
 * Exits with 1 when an answer is wrong, naming it on stderr.
 *
 * Names that differ from drive to drive, for discovery to generalise: redis' temp-<pid>.rdb, temp-rewriteaof-<pid>.aof,
 * temp-rewriteaof-bg-<pid>.aof, appendonly.aof.<n>.base.rdb and .incr.aof; nginx' /var/lib/nginx/body/<10 digits>.
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { pods } from './pods.ts';
import { RedisConnection } from './redis-connection.ts';
import { ask, type WebAnswer, type WebQuestion } from './web.ts';

const wrong: string[] = [];

function check(what: string, holds: boolean, got: unknown): void {
  if (!holds) wrong.push(`${what}: got ${JSON.stringify(got)?.slice(0, 200)}`);
}

async function driveWeb(): Promise<void> {
  const expectWeb = async (
    question: Omit<WebQuestion, 'host'>,
    status: number,
    holds: (answer: WebAnswer) => boolean = () => true,
  ) => {
    const what = `${question.method ?? 'GET'} ${question.path}`;
    try {
      const answer = await ask({ host: pods.nginx.ip, ...question });
      check(what, answer.status === status && holds(answer), answer);
      return answer;
    } catch (error) {
      check(what, false, (error as Error).message);
      return undefined;
    }
  };
  const has = (text: string) => (answer: WebAnswer) => answer.body.includes(text);
  const home = await expectWeb({ path: '/' }, 200, has('<h1>Shop</h1>'));
  const since = `${home?.headers['last-modified']}`;
  await expectWeb({ path: '/', headers: { 'if-modified-since': since } }, 304);
  await expectWeb({ path: '/', method: 'HEAD' }, 200, ({ body }) => body === '');
  await expectWeb({ path: '/about.html' }, 200, has('Open all day'));
  await expectWeb({ path: '/static/site.css' }, 200, has('teal'));
  await expectWeb({ path: '/static/logo.svg' }, 200, has('<circle'));
  await expectWeb({ path: '/files/' }, 200, has('notes.txt'));
  await expectWeb({ path: '/files/notes.txt' }, 200, has('weekdays'));
  await expectWeb(
    { path: '/files/prices.csv', headers: { range: 'bytes=0-3' } },
    206,
    ({ body }) => body === 'item',
  );
  await expectWeb({ path: '/health' }, 200, ({ body }) => body === 'ok\n');
  await expectWeb({ path: '/missing' }, 404);
  await expectWeb(
    { path: '/upload', method: 'POST', body: 'x'.repeat(5000) },
    200,
    ({ body }) => body === '5000\n',
  );
}

async function driveRedis(
  host: string,
  port: number,
  work: (expect: Expect) => Promise<void>,
): Promise<void> {
  let redis: RedisConnection | undefined;
  try {
    const connection = await RedisConnection.open(host, port);
    redis = connection;
    await work(async (words, holds) => {
      const reply = await connection.send(...words);
      const fits =
        typeof holds === 'function' ? holds(reply) : JSON.stringify(reply) === JSON.stringify(holds);
      check(`redis ${words.join(' ')}`, fits, reply);
      return reply;
    });
  } catch (error) {
    check(`redis at ${host}:${port}`, false, (error as Error).message);
  } finally {
    redis?.close();
  }
}

type Expect = (words: readonly string[], holds: unknown) => Promise<unknown>;

async function useKeys(expect: Expect): Promise<void> {
  await expect(['PING'], 'PONG');
  await expect(['DEL', 'visits', 'cart', 'stock'], (reply: unknown) => typeof reply === 'number');
  await expect(['SET', 'greeting', 'hello'], 'OK');
  await expect(['GET', 'greeting'], 'hello');
  await expect(['INCR', 'visits'], 1);
  await expect(['INCR', 'visits'], 2);
  await expect(['RPUSH', 'cart', 'tea', 'rice'], 2);
  await expect(['LRANGE', 'cart', '0', '-1'], ['tea', 'rice']);
  await expect(['HSET', 'stock', 'tea', '9'], 1);
  await expect(['HGETALL', 'stock'], ['tea', '9']);
  await expect(['EXPIRE', 'greeting', '600'], 1);
  await expect(['CONFIG', 'GET', 'appendonly'], ['appendonly', 'yes']);
  await expect(['INFO', 'server'], (reply: unknown) => `${reply}`.includes('redis_version:7'));
}

async function saveToDisk(expect: Expect): Promise<void> {
  await expect(['SAVE'], 'OK');
  await expect(['BGSAVE'], 'Background saving started');
  await settle(expect, 'rdb_bgsave_in_progress', 'rdb_last_bgsave_status');
  await expect(['BGREWRITEAOF'], 'Background append only file rewriting started');
  await settle(expect, 'aof_rewrite_in_progress', 'aof_last_bgrewrite_status');
}

/** Waits for a background save to end, and well. */
async function settle(expect: Expect, running: string, status: string): Promise<void> {
  const end = performance.now() + 20_000;
  const field = (info: unknown, name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(`${info}`)?.[1];
  const read = () => expect(['INFO', 'persistence'], (reply: unknown) => `${reply}`.includes(running));
  let info = await read();
  while (field(info, running) !== '0' && performance.now() < end) {
    await new Promise(resolve => setTimeout(resolve, 100));
    info = await read();
  }
  check(status, field(info, running) === '0' && field(info, status) === 'ok', info);
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);
for (let round = 0; round < rounds; round++) {
  await driveWeb();
  await driveRedis(pods.redis.ip, 6379, useKeys);
  await driveRedis(pods.nginx.ip, 6380, useKeys);
  // Every third round: a save is slow, and one shows what a hundred do.
  if (round % 3 === 0) await driveRedis(pods.redis.ip, 6379, saveToDisk);
}
for (const text of wrong) process.stderr.write(`wrong: ${text}\n`);
process.stdout.write(`${JSON.stringify({ rounds, wrong: wrong.length })}\n`);
process.exitCode = wrong.length === 0 && rounds > 0 ? 0 : 1;
