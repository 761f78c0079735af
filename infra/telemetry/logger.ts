/**
 * What a process says about itself, on standard error: standard output is data.
 *
 * Levels go by consequence: WARN = nothing was lost, ERROR = data was lost or a human is needed.
 */

import { type DestinationStream, destination, type Logger, pino, stdSerializers } from 'pino';
import { SluiceError } from '#errors';
import { toLine } from './line.ts';

export type { Logger };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  /** Which part speaks: `enrich`, `enforcer`. */
  readonly name: string;
  /** Absent: info. */
  readonly level?: LogLevel;
  /** For eyes (one line of text) or machines (one JSON object). Absent: eyes at a terminal. */
  readonly form?: 'text' | 'json';
  /** Where the lines go. Absent: standard error, written before the call returns, so that the last words of a process are kept. */
  readonly to?: DestinationStream;
}

const standardError = 2;

/** Names under which a secret might be handed to a logger; what stands there is not written. */
const secretNames = ['password', 'secret', 'token', 'apiKey', 'authorization', 'privateKey'];

export function createLogger({ name, level = 'info', form, to }: LoggerOptions): Logger {
  const out = to ?? destination({ dest: standardError, sync: true });
  const text = form === undefined ? to === undefined && process.stderr.isTTY === true : form === 'text';
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: [...secretNames, ...secretNames.map(secret => `*.${secret}`)], censor: '[redacted]' },
      serializers: { err: serializeError },
    },
    text ? { write: json => out.write(toLine(json)) } : out,
  );
}

function serializeError(error: Error): object {
  const serialized = stdSerializers.err(error);
  if (!(error instanceof SluiceError)) return serialized;
  return { ...serialized, code: error.code, reaction: error.reaction, stage: error.stage };
}
