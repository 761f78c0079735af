import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressRange, contains, parseCidr, plainAddress } from './cidr.ts';

const address = fc.oneof(fc.ipV4(), fc.ipV6());

describe('address ranges', () => {
  it('agree with the runtime on which address lies in which range', () => {
    fc.assert(
      fc.property(address, address, fc.nat(128), (base, other, length) => {
        const single = addressRange(base)!;
        const prefix = length % (single.family === 4 ? 33 : 129);
        const hostBits = BigInt((single.family === 4 ? 32 : 128) - prefix);
        const range = { ...single, first: (single.first >> hostBits) << hostBits, prefix };
        const list = new BlockList();
        list.addSubnet(base, prefix, isIPv6(base) ? 'ipv6' : 'ipv4');
        fc.pre(single.family === 4 || !isMapped(base));
        fc.pre(!isMapped(other));
        expect(contains(range, single)).toBe(true);
        // The runtime takes IPv4 as a part of IPv6, policies do not.
        fc.pre(isIPv6(base) === isIPv6(other));
        expect(contains(range, addressRange(other)!)).toBe(
          list.check(other, isIPv6(other) ? 'ipv6' : 'ipv4'),
        );
      }),
    );
  });

  it('have one spelling for an address, however it is written', () => {
    fc.assert(
      fc.property(address, given => {
        const plain = plainAddress(given);
        expect(addressRange(plain)).toEqual(addressRange(given));
        expect(plainAddress(plain)).toBe(plain);
        expect(plainAddress(given.toUpperCase())).toBe(plain);
        const isPlainIPv6 = plain.includes(':');
        // The runtime spells the address of a URL the same way.
        if (isPlainIPv6) expect(plain).toBe(new URL(`http://[${plain}]/`).hostname.slice(1, -1));
      }),
    );
  });

  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:db8::', '2001:db8::'],
    ['10.1.2.3', '10.1.2.3'],
    ['no address', 'no address'],
    ['a:b', 'a:b'],
  ])('spell %s as %s', (given, plain) => expect(plainAddress(given)).toBe(plain));

  const isMapped = (text: string) => isIPv6(text) && addressRange(text)!.family === 4;

  it('take IPv4-mapped addresses as IPv4', () => {
    expect(addressRange('::ffff:10.1.2.3')).toEqual(addressRange('10.1.2.3'));
    expect(parseCidr('::ffff:10.0.0.0/104')).toEqual(parseCidr('10.0.0.0/8'));
  });

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0.0/08',
    'fe80::1%eth0/64',
    '::/129',
    'x/8',
    '/8',
    '1.2.3.4/8/8',
  ])('refuse %s', text => expect(parseCidr(text)).toBeUndefined());
});
