import { describe, expect, it } from 'vitest';
import type { LogRecord } from '#kafka';
import { textSerde } from '#schemas';
import { manualClock } from '../index.ts';
import { Idling } from './idling.ts';
import { Input } from './inputs.ts';

const source = { nodeId: 0, topic: { topic: 'in' }, key: textSerde, value: textSerde } as never;
const record = (offset: number): LogRecord => ({
  ...{ topic: 'in', partition: 0, offset, timestampMs: offset, headers: {} },
  ...{ key: Buffer.from('k'), value: Buffer.from('v') },
});

/** Records of one topic, none of the other. */
function setUp(maxTaskIdleMs: number) {
  const clock = manualClock();
  const [full, empty] = [new Input('full', source), new Input('empty', source)];
  full.add([record(0), record(1)]);
  return { clock, empty, idling: new Idling([full, empty], { maxTaskIdleMs, clock }) };
}

describe('a task with records of one topic and none of another', () => {
  it('goes on at once when the broker is not known to have any', () => {
    const { idling } = setUp(0);
    expect(idling.mayProceed()).toBe(true);
  });

  it('waits for what the broker is known to have, and goes on with it', () => {
    const { idling, empty, clock } = setUp(0);
    empty.knownEnd = 1;
    expect(idling.mayProceed()).toBe(false);
    expect(idling.isWaiting).toBe(true);
    clock.advance(900);
    expect(idling.mayProceed()).toBe(false);
    empty.add([record(0)]);
    expect(idling.mayProceed()).toBe(true);
    expect(idling.isWaiting).toBe(false);
  });

  it('does not wait for ever for what nobody can read', () => {
    const { idling, empty, clock } = setUp(0);
    empty.knownEnd = 1;
    expect(idling.mayProceed()).toBe(false);
    clock.advance(1_000);
    expect(idling.mayProceed()).toBe(true);
  });

  it('waits as long as it may idle for what may still be written', () => {
    const { idling, empty, clock } = setUp(5_000);
    expect(idling.mayProceed()).toBe(false);
    clock.advance(4_999);
    expect(idling.mayProceed()).toBe(false);
    clock.advance(1);
    expect(idling.mayProceed()).toBe(true);
    // Anew, from when it is empty again.
    empty.add([record(0)]);
    expect(idling.mayProceed()).toBe(true);
    empty.advance();
    expect(idling.mayProceed()).toBe(false);
  });

  it('waits for nothing when it was told so, nor for a partition that it does not read', () => {
    const never = setUp(-1);
    never.empty.knownEnd = 1;
    expect(never.idling.mayProceed()).toBe(true);
    const elsewhere = setUp(5_000);
    elsewhere.empty.isAssigned = false;
    expect(elsewhere.idling.mayProceed()).toBe(true);
  });
});
