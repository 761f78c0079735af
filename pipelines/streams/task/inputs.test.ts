import { describe, expect, it } from 'vitest';
import type { LogRecord } from '#kafka';
import { textSerde } from '#schemas';
import { Input } from './inputs.ts';

const source = { nodeId: 0, topic: { topic: 'in' }, key: textSerde, value: textSerde } as never;
const record = (offset: number): LogRecord => ({
  ...{ topic: 'in', partition: 0, offset, timestampMs: offset, headers: {} },
  ...{ key: Buffer.from('k'), value: Buffer.from(`v${offset}`) },
});
const offsets = (input: Input) => {
  const taken: number[] = [];
  while (input.raw) {
    taken.push(input.raw.offset);
    input.advance();
  }
  return taken;
};

describe('an input', () => {
  it('gives every offset once, in whatever overlapping batches records come', () => {
    const input = new Input('in', source);
    input.add([record(0), record(1), record(2)]);
    input.add([record(1), record(2), record(3)]);
    input.add([record(0)]);
    expect(offsets(input)).toEqual([0, 1, 2, 3]);
    input.add([record(3), record(4)]);
    expect(offsets(input)).toEqual([4]);
    expect(input.position).toBe(5);
  });

  it('passes over what is before its position, and accepts gaps', () => {
    const input = new Input('in', source);
    input.position = 7;
    input.add([record(5), record(6), record(9)]);
    expect(offsets(input)).toEqual([9]);
  });

  it('takes records anew after what was buffered is forgotten', () => {
    const input = new Input('in', source);
    input.add([record(0), record(1), record(2)]);
    input.advance();
    input.clear();
    expect(input.isEmpty).toBe(true);
    input.add([record(0), record(1), record(2)]);
    expect(offsets(input)).toEqual([1, 2]);
  });
});
