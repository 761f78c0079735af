import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '#errors';
import type { LogRecord, OutgoingRecord } from '#kafka';
import { jsonSerde } from '#schemas';
import { Counters } from '../counters.ts';
import type { DeadLetter, Failure, FailureReaction } from '../index.ts';
import type { Cause } from '../task/dead-letter.ts';
import { RefusedOutputs } from './refused-outputs.ts';

const json = jsonSerde<DeadLetter>();

const input = (offset: number, bytes = 1): LogRecord => ({
  ...{ topic: 'in', partition: 3, offset, timestampMs: 7, headers: {} },
  ...{ key: Buffer.from('k'), value: Buffer.alloc(bytes, 'x') },
});
const output = (value: string, topic = 'out'): OutgoingRecord => ({
  ...{ topic, key: null, value: Buffer.from(value), timestampMs: 9 },
});

/** A broker that refuses some; its topics as they were written. */
function setUp(
  onFailure: (failure: Failure) => FailureReaction,
  refuses: (record: OutgoingRecord) => SluiceError | null,
) {
  const counters = new Counters();
  const written: OutgoingRecord[] = [];
  let sends = 0;
  const refused = new RefusedOutputs({
    ...{ applicationId: 'app', onFailure, counters },
    deadLetters: { topic: 'dead', value: json },
  });
  const send = (records: readonly OutgoingRecord[], causes: readonly Cause[]) =>
    refused.send({ records, causes }, async each => {
      sends += 1;
      for (const record of each) {
        const error = refuses(record);
        if (error) throw error;
      }
      written.push(...each);
      return each;
    });
  const letters = () =>
    written.filter(({ topic }) => topic === 'dead').map(({ value }) => json.deserialize(value!));
  return { counters, written, send, letters, sends: () => sends };
}

const tooLarge = () => new SluiceError('VALUE_INVALID', 'over the limit');
const byText = (text: string) => (record: OutgoingRecord) =>
  record.topic !== 'dead' && record.value!.toString() === text ? tooLarge() : null;

describe('an output that the broker refuses', () => {
  it('is the only one that does not go out, and all keep their order', () => {
    return fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async refusals => {
        const { written, send, letters, counters } = setUp(() => 'dead-letter', byText('bad'));
        const records = refusals.map((isRefused, index) => output(isRefused ? 'bad' : `good ${index}`));
        await send(
          records,
          records.map((_, index) => input(index)),
        );
        const expected = records.filter(({ value }) => value!.toString() !== 'bad');
        expect(written.filter(({ topic }) => topic === 'out')).toEqual(expected);
        expect(letters().map(({ offset }) => offset)).toEqual(
          refusals.flatMap((isRefused, index) => (isRefused ? [index] : [])),
        );
        expect(counters.get('records.dead-letters')).toBe(refusals.filter(Boolean).length);
      }),
    );
  });

  it('becomes a letter with the input it came of, byte for byte', async () => {
    const failures: Failure[] = [];
    const { send, letters } = setUp(failure => {
      failures.push(failure);
      return 'dead-letter';
    }, byText('bad'));
    await send([output('good'), output('bad')], [input(4), input(5)]);
    expect(failures.map(({ stage, output, record }) => [stage, output!.topic, record.offset])).toEqual([
      ['produce', 'out', 5],
    ]);
    expect(letters()).toMatchObject([
      { topic: 'in', partition: 3, offset: 5, stage: 'SENDING', code: 'VALUE_INVALID', application: 'app' },
    ]);
    expect(letters()[0]!.message).toContain('in/3@5: what became of it for out was refused');
    expect(Buffer.from(letters()[0]!.value!)).toEqual(Buffer.from('x'));
  });

  it('leaves the bytes of its input out of a letter that would be too large with them', async () => {
    const { send, letters } = setUp(
      () => 'dead-letter',
      record => (record.value!.length > 1_000 ? tooLarge() : null),
    );
    await send([output('y'.repeat(2_000))], [input(5, 2_000)]);
    expect(letters()).toMatchObject([{ offset: 5, key: null, value: null }]);
    expect(letters()[0]!.message).toContain('its bytes are left out');
  });

  it('is known by where its input was when that is no longer at hand', async () => {
    const { send, letters } = setUp(() => 'dead-letter', byText('bad'));
    await send([output('bad')], [{ topic: 'in', partition: 1, offset: 8 }]);
    expect(letters()).toMatchObject([{ topic: 'in', partition: 1, offset: 8, timestamp: 9, value: null }]);
  });

  it('is skipped, or halts, as the handler says', async () => {
    const skipping = setUp(() => 'skip', byText('bad'));
    await skipping.send([output('bad'), output('good')], [input(1), input(2)]);
    expect(skipping.written.map(({ value }) => value!.toString())).toEqual(['good']);
    expect(skipping.counters.get('records.skipped')).toBe(1);
    const halting = setUp(() => 'halt', byText('bad'));
    await expect(halting.send([output('bad')], [input(1)])).rejects.toThrow(/in\/3@1: .*out was refused/);
  });

  it('does not have every record tried when it is their topic that is refused', async () => {
    const { send, sends, written } = setUp(
      () => 'skip',
      ({ topic }) => (topic === 'closed' ? new SluiceError('BROKER_REFUSED', 'no access') : null),
    );
    const records = Array.from({ length: 1_000 }, (_, index) => output('x', index % 2 ? 'closed' : 'out'));
    await send(
      records,
      records.map((_, index) => input(index)),
    );
    expect(written.length).toBe(500);
    expect(sends()).toBeLessThan(50);
  });

  it('is not blamed for trouble of the broker', async () => {
    const { send, sends } = setUp(
      () => 'skip',
      () => new SluiceError('BROKER_UNREACHABLE', 'away'),
    );
    await expect(send([output('a'), output('b')], [input(1), input(2)])).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
    });
    expect(sends()).toBe(1);
  });

  it('ends everything when even its letter cannot be written', async () => {
    const { send } = setUp(() => 'dead-letter', tooLarge);
    await expect(send([output('a')], [input(1)])).rejects.toThrow(/its dead letter was refused by dead/);
  });
});
