import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { policyDefaults } from './make-policy.ts';
import { policyOptionsOf, policySettings } from './policy-settings.ts';

const read = (given: Record<string, unknown>) => policyOptionsOf(z.strictObject(policySettings).parse(given));

describe('settings of policies', () => {
  it('are the defaults where nothing is set', () => expect(read({})).toEqual(policyDefaults));

  it('are read from a file as from variables, which hold text', () => {
    const paths = { ...policyDefaults.paths, hexFrom: 8, sensitive: ['/srv/vault/', '/srv/key'] };
    const set = {
      ...policyDefaults,
      widen: true,
      paths: { ...paths, namesFrom: { ...paths.namesFrom, data: 0 } },
    };
    expect(
      read({ widen: true, hexFrom: 8, dataNamesFrom: 0, sensitivePaths: ['/srv/vault/', '/srv/key'] }),
    ).toEqual(set);
    expect(
      read({ widen: 'true', hexFrom: '8', dataNamesFrom: '0', sensitivePaths: '/srv/vault/, /srv/key' }),
    ).toEqual(set);
  });

  it.each([
    [{ sensitivePaths: 'srv' }],
    [{ hexFrom: 0 }],
    [{ dataNamesFrom: -1 }],
    [{ widen: 'maybe' }],
    [{ programsFrom: 3 }],
  ])('refuse %j', given => expect(() => read(given)).toThrow());
});
