import { describe, expect, it } from 'vitest';
import { parseNamespaces } from './namespace-choice.ts';

describe('the namespaces of which policies are printed', () => {
  it('are those that were named, or all but those', () => {
    const chosen = (list: string) => ['shop', 'data', 'kube-system', ''].filter(parseNamespaces(list));
    expect(chosen('shop, data')).toEqual(['shop', 'data']);
    expect(chosen('!kube-system')).toEqual(['shop', 'data', '']);
    expect(chosen('!kube-system,!data')).toEqual(['shop', '']);
  });

  it.each(['', 'shop,', '!', 'shop,!data'])('are not told by %j', list => {
    expect(() => parseNamespaces(list)).toThrow(/missing|name those/);
  });
});
