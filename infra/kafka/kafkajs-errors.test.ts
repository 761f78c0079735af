import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { fromKafkajs, isPassing } from './kafkajs-errors.ts';
import { internals } from './kafkajs-internals.ts';

const errors = createRequire(import.meta.url)('kafkajs/src/errors') as Record<
  string,
  new (
    message: unknown,
    options?: object,
  ) => Error
>;
const make = (name: string, message: unknown = 'x', options: object = {}) =>
  new errors[name]!(message, options);

describe('fromKafkajs', () => {
  it.each([
    [3, 'TOPIC_UNKNOWN'],
    [47, 'PRODUCER_FENCED'],
    [90, 'PRODUCER_FENCED'],
    [22, 'REBALANCED'],
    [25, 'REBALANCED'],
    [27, 'REBALANCED'],
    [10, 'VALUE_INVALID'],
    [29, 'BROKER_REFUSED'],
    [30, 'BROKER_REFUSED'],
    [6, 'BROKER_UNREACHABLE'],
    [14, 'BROKER_UNREACHABLE'],
    [16, 'BROKER_UNREACHABLE'],
    [19, 'BROKER_UNREACHABLE'],
    [45, 'BROKER_UNREACHABLE'],
  ])('takes the protocol error %i for %s', (code, expected) => {
    expect(fromKafkajs(internals.errorFromCode(code), 'doing')).toMatchObject({ code: expected });
  });

  it('looks through what kafkajs wraps around after its retries', () => {
    const root = internals.errorFromCode(3);
    const retried = make('KafkaJSNumberOfRetriesExceeded', root, { retryCount: 5, retryTime: 1 });
    const wrapped = make('KafkaJSNonRetriableError', retried, { cause: retried });
    const known = fromKafkajs(wrapped, 'Reading t/0');
    expect(known.code).toBe('TOPIC_UNKNOWN');
    expect(known.message).toMatch(/^Reading t\/0: .+\(create the topic first\)$/);
    expect(known.cause).toBe(wrapped);
  });

  it.each([
    ['KafkaJSConnectionError', 'BROKER_UNREACHABLE'],
    ['KafkaJSConnectionClosedError', 'BROKER_UNREACHABLE'],
    ['KafkaJSRequestTimeoutError', 'BROKER_UNREACHABLE'],
    ['KafkaJSGroupCoordinatorNotFound', 'BROKER_UNREACHABLE'],
    ['KafkaJSSASLAuthenticationError', 'BROKER_REFUSED'],
    ['KafkaJSNotImplemented', 'BROKER_REFUSED'],
  ])('takes %s for %s', (name, expected) => {
    const known = fromKafkajs(make(name), 'doing');
    expect(known.code).toBe(expected);
    expect(isPassing(known)).toBe(expected === 'BROKER_UNREACHABLE');
  });

  it('says of a coordinator that was not found that access may be what is missing', () => {
    expect(fromKafkajs(make('KafkaJSGroupCoordinatorNotFound'), 'doing').message).toContain(
      'access to the group',
    );
  });

  it('takes a mistake of our own for a BUG, and leaves errors of the catalogue alone', () => {
    expect(fromKafkajs(new TypeError('oops'), 'doing').code).toBe('BUG');
    const own = new SluiceError('VALUE_INVALID', 'too large');
    expect(fromKafkajs(own, 'doing')).toBe(own);
  });
});
