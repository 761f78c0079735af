import { describe, expect, it } from 'vitest';
import { refusalOf, rulesOf } from './topic-rules.ts';

const now = 1_700_000_000_000;
const hourMs = 3_600_000;
const rules = (settings: Record<string, string> = {}) => rulesOf(new Map(Object.entries(settings)));
const record = { topic: 't', key: Buffer.from('k'), value: Buffer.from('v') };
const refusal = (of: object, settings?: Record<string, string>) =>
  refusalOf({ ...record, ...of }, rules(settings), now);

describe('refusalOf', () => {
  it('takes what a broker with its defaults takes', () => {
    expect(refusal({})).toBeNull();
    expect(refusal({ key: null, timestampMs: 0 })).toBeNull();
    expect(refusal({ value: Buffer.alloc(1_048_000) })).toBeNull();
    expect(refusal({ value: Buffer.alloc(1_048_588) })).toContain('max.message.bytes');
  });

  it('counts headers', () => {
    const headers = { large: Buffer.alloc(2_000) };
    expect(refusal({ headers }, { 'max.message.bytes': '2000' })).toContain('max.message.bytes');
    expect(refusal({ headers }, { 'max.message.bytes': '3000' })).toBeNull();
  });

  it('wants a key where the topic is compacted', () => {
    expect(refusal({ key: null }, { 'cleanup.policy': 'compact,delete' })).toContain('key');
    expect(refusal({ key: null }, { 'cleanup.policy': 'delete' })).toBeNull();
    expect(refusal({ key: Buffer.alloc(0) }, { 'cleanup.policy': 'compact' })).toBeNull();
  });

  it('wants a time within the bounds, by their names of any version', () => {
    const [early, late] = [{ timestampMs: now - 2 * hourMs }, { timestampMs: now + 2 * hourMs }];
    const bounds = {
      'message.timestamp.before.max.ms': `${3 * hourMs}`,
      'message.timestamp.after.max.ms': `${hourMs}`,
    };
    expect(refusal(early, bounds)).toBeNull();
    expect(refusal(late, bounds)).toContain('message.timestamp.after.max.ms');
    const older = { 'message.timestamp.difference.max.ms': `${hourMs}` };
    expect(refusal(early, older)).toContain('time');
    expect(refusal(late, older)).toContain('time');
    const endless = { 'message.timestamp.before.max.ms': '9223372036854775807' };
    expect(refusal({ timestampMs: 0 }, endless)).toBeNull();
    expect(refusal(late, { ...bounds, 'message.timestamp.type': 'LogAppendTime' })).toBeNull();
  });

  it.each([Number.NaN, -1, 1.5, 2 ** 52, Number.POSITIVE_INFINITY])('refuses %s for a time', timestampMs => {
    expect(refusal({ timestampMs })).toContain('whole milliseconds');
  });
});
