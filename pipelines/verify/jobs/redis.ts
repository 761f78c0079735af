/** Connections to Redis. */

import { Redis } from 'ioredis';
import { SluiceError } from '#errors';

const connectTimeoutMs = 3_000;
const retryMs = 500;

/**
 * Connected. `patient`: later losses are waited out, else commands fail at once.
 * Errors: UNREACHABLE, naming host and port alone: the rest may be secret. CONFIG_INVALID for what is no such URL.
 */
export async function connectRedis(url: string, { patient }: { readonly patient: boolean }): Promise<Redis> {
  const { host } = parse(url);
  const state = { wasReady: false };
  const redis = new Redis(url, {
    ...{ lazyConnect: true, connectTimeout: connectTimeoutMs, enableOfflineQueue: patient },
    maxRetriesPerRequest: patient ? null : 0,
    retryStrategy: () => (patient && state.wasReady ? retryMs : null),
  });
  // What a command meets is told by the command.
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
    state.wasReady = true;
    return redis;
  } catch (error) {
    redis.disconnect();
    const reason = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      /NOAUTH|WRONGPASS|NOPERM/.test(reason) ? 'BROKER_REFUSED' : 'UNREACHABLE',
      `Redis at ${host} does not serve jobs: ${reason}. Start one (sluice up --redis), or name yours with --redis-url`,
      { cause: error },
    );
  }
}

function parse(url: string): URL {
  if (URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) return new URL(url);
  throw new SluiceError(
    'CONFIG_INVALID',
    'The Redis URL is none: write redis://HOST:PORT or rediss://HOST:PORT',
  );
}
