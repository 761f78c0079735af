import { expect, it } from 'vitest';
import { SluiceError } from '#errors';
import { aWhile, type Bench, outgoing, until, values } from './contract-bench.ts';

/** How a consumer meets the errors of its handler. */
export function errorContract(bench: Bench): void {
  it('hands the same records out again after an error to retry', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a', 'b']));
    let attempts = 0;
    const { records, failure } = await bench().consume(
      {},
      {
        async onBatch() {
          attempts += 1;
          if (attempts < 3) throw new SluiceError('REGISTRY_UNREACHABLE', 'try again');
        },
      },
    );
    await until('handled', () => records.length === 2);
    expect(values(records)).toEqual(['a', 'b']);
    expect(attempts).toBe(3);
    expect(failure).toBeNull();
  });

  it('ends after as many failures in a row as allowed', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    let attempts = 0;
    const seen = await bench().consume(
      { failureLimit: 3 },
      {
        async onBatch() {
          attempts += 1;
          throw new SluiceError('REGISTRY_UNREACHABLE', 'down for good');
        },
      },
    );
    await until('failed', () => seen.failure !== null);
    expect(attempts).toBe(3);
    expect(seen.failure).toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
    expect(seen.events).toEqual(['assigned 1', 'revoked 1', 'failed']);
  });

  it('joins the group again after an error to rejoin', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    let attempts = 0;
    const seen = await bench().consume(
      {},
      {
        async onBatch() {
          attempts += 1;
          if (attempts === 1) throw new SluiceError('PRODUCER_FENCED', 'a newer one took over');
        },
      },
    );
    await until('handled', () => seen.records.length === 1);
    expect(seen.events).toEqual(['assigned 1', 'revoked 1', 'assigned 1']);
  });

  it('ends at once on any other error, revoking first, and is never heard of again', async () => {
    const topic = await bench().topicOf(1);
    await bench().send(outgoing(topic, ['a']));
    let attempts = 0;
    const seen = await bench().consume(
      {},
      {
        async onBatch() {
          attempts += 1;
          throw new TypeError('a mistake in the handler');
        },
      },
    );
    await until('failed', () => seen.failure !== null);
    expect(seen.failure).toMatchObject({ code: 'BUG', message: 'a mistake in the handler' });
    await bench().send(outgoing(topic, ['b']));
    await aWhile();
    expect(attempts).toBe(1);
    expect(seen.events).toEqual(['assigned 1', 'revoked 1', 'failed']);
    await seen.consumer.close();
    expect(seen.events.filter(event => event === 'failed')).toHaveLength(1);
  });

  it('ends when onAssigned fails for good', async () => {
    await bench().topicOf(1);
    const seen = await bench().consume({}, { onAssigned: () => Promise.reject(new TypeError('no store')) });
    await until('failed', () => seen.failure !== null);
    expect(seen.failure).toMatchObject({ code: 'BUG' });
  });
}
