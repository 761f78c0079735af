import { type logCreator, logLevel } from 'kafkajs';

/** Where the transport's own messages go; a pino logger fits. */
export interface TransportLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silent: TransportLogger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Hands kafkajs' messages on with a level by consequence. kafkajs calls ERROR whatever it is about to try again, and what it
 * gives up reaches the caller as a rejection: so nothing of it is more than a warning, and what is routine is debug.
 */
export function toTransportLog(logger: TransportLogger): logCreator {
  return () =>
    ({ level, namespace, log: { message, timestamp: _, ...fields } }) => {
      const noteworthy = level <= logLevel.WARN && !routine.test(`${message} ${fields.error ?? ''}`);
      logger[noteworthy ? 'warn' : 'debug']({ ...fields, namespace }, `kafkajs: ${message}`);
    };
}

const routine = new RegExp(
  [
    'rebalanc',
    're-joining',
    'coordinator',
    'Closed connection|Connection (error|timeout)|Failed to connect|disconnect',
    'Limiting retries for the idempotent producer',
    'does not host this topic-partition|leadership election',
    'ongoing transaction|concurrent transaction|CONCURRENT_TRANSACTIONS|producer attempted to update a transaction',
    'old epoch|newer producer|fenced',
    'Response (Fetch|Heartbeat|JoinGroup|SyncGroup|OffsetCommit|Metadata)',
    'Restarting the consumer|Crash:',
  ].join('|'),
  'i',
);
