import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, contains, formatAddress, parsePrefix } from './address.ts';

const format = (text: string) => formatAddress(bytesOf(parsePrefix(text).value));

describe('addresses', () => {
  it('of IPv4 survive parsing and formatting', () => {
    fc.assert(
      fc.property(fc.ipV4(), text => {
        expect(format(text)).toBe(text);
      }),
    );
  });

  it('of IPv6 are written so that they parse to the same bits', () => {
    fc.assert(
      fc.property(fc.ipV6(), text => {
        expect(parsePrefix(format(text)).value).toBe(parsePrefix(text).value);
      }),
    );
  });

  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
  ])('%s is written %s', (text, written) => {
    expect(format(text)).toBe(written);
  });

  it('lie in a prefix exactly when their leading bits are its own', () => {
    expect(contains(parsePrefix('10.0.0.0/8'), parsePrefix('10.255.1.2'))).toBe(true);
    expect(contains(parsePrefix('10.0.0.0/8'), parsePrefix('11.0.0.0'))).toBe(false);
    expect(contains(parsePrefix('0.0.0.0/0'), parsePrefix('192.0.2.1'))).toBe(true);
    expect(contains(parsePrefix('0.0.0.0/0'), parsePrefix('2001:db8::1'))).toBe(false);
    expect(contains(parsePrefix('::/0'), parsePrefix('2001:db8::1'))).toBe(true);
    expect(contains(parsePrefix('10.1.0.0/16'), parsePrefix('10.0.0.0/8'))).toBe(false);
  });

  it('drop the bits beyond the prefix', () => {
    expect(parsePrefix('10.1.2.3/8')).toEqual(parsePrefix('10.0.0.0/8'));
  });

  it.each(['', '10.0.0', '10.0.0.0/33', '10.0.0.0/8/8', '::/129', '10.0.0.0/x', 'example.org', '10.0.0.0/'])(
    '%j is refused with the mend',
    text => {
      expect(() => parsePrefix(text)).toThrow(/is no address or CIDR; write/);
    },
  );
});
