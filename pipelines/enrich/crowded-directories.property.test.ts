import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Behaviour, type BehaviourProfile, withDefaults } from '#schemas';
import { CrowdedDirectories, crowdedFrom } from './crowded-directories.ts';
import type { Observed } from './observe.ts';
import { GrowingProfile } from './profile.ts';

const opened = (object: string, write = true): Observed => ({
  ...{ operation: write ? 'FILE_WRITE' : 'FILE_READ', object, source: '', transport: 'OTHER', port: 0 },
  ...{ peer: null, http: null },
});

/** What is kept of the paths when a directory is crowded from so many on. */
function kept(paths: readonly string[], from: number): string[] {
  const directories = new CrowdedDirectories(from);
  let rows = new Set<string>();
  for (const path of paths) {
    rows.add(directories.kept(opened(path)).object);
    while (directories.crowds(directories.kept(opened(path))))
      rows = new Set([...rows].map(row => directories.kept(opened(row)).object));
  }
  return [...rows].sort();
}

const files = (count: number, directory: string) =>
  Array.from({ length: count }, (_, i) => `${directory}f${i}`);

describe('a crowded directory', () => {
  it('is kept as one name from the name on that is one too many, of reading and writing apart', () => {
    expect(kept(files(4, '/data/'), 4)).toHaveLength(4);
    expect(kept([...files(5, '/data/'), '/data/a/b'], 4)).toEqual(['/data/a/b', '/data/…']);
    const directories = new CrowdedDirectories(1);
    for (const path of files(2, '/data/')) directories.crowds(opened(path));
    expect(directories.kept(opened('/data/x')).object).toBe('/data/…');
    expect(directories.kept(opened('/data/x', false)).object).toBe('/data/x');
  });

  it('is one with all below it when its directories are too many', () => {
    const deep = Array.from({ length: 5 }, (_, i) => `/srv/tenant${i}/a/b`);
    expect(kept(['/srv/x', ...deep], 4)).toEqual(['/srv/x', '/srv/…/…']);
    expect(
      kept(
        Array.from({ length: 5 }, (_, i) => `/proc/${i + 20}/stat`),
        4,
      ),
    ).toEqual(['/proc/…/…']);
  });

  it.each(['/etc/', '/', '/usr/lib/', '/root/.ssh/', '/run/secrets/', '/sys/x/'])(
    'is none where no rule may be for writing: %s',
    directory => expect(kept(files(9, directory), 4)).toHaveLength(9),
  );

  it('leaves what is sensitive as it was seen', () => {
    expect(kept([...files(5, '/data/'), '/data/id_rsa', '/data/server.key'], 4)).toEqual([
      '/data/id_rsa',
      '/data/server.key',
      '/data/…',
    ]);
  });

  const part = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'id_rsa', '…');
  const path = fc
    .tuple(
      fc.constantFrom('/data', '/srv/x', '/proc', '/etc', '/tmp'),
      fc.array(part, { minLength: 1, maxLength: 4 }),
    )
    .map(([root, parts]) => `${root}/${parts.join('/')}`);

  it('depends on the paths that were seen alone, not on their order, repetition or parts', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 40 }), fc.nat(40), (paths, at) => {
        const all = kept(paths, 2);
        expect(kept([...paths.toReversed(), ...paths], 2)).toEqual(all);
        expect(kept([...kept(paths.slice(at), 2), ...kept(paths.slice(0, at), 2)], 2)).toEqual(all);
        expect(kept(all, 2)).toEqual(all);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a profile', () => {
  const key = {
    ...{ cluster: 'c', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'main' },
  };
  const seen = (object: string, time: number): Behaviour => ({
    ...opened(object),
    evidence: {
      ...{ count: 1, firstSeen: time, lastSeen: time, replicas: [], days: [0], sketch: [time], samples: [] },
    },
  });
  const record = (behaviours: readonly Behaviour[]): BehaviourProfile =>
    withDefaults('BehaviourProfile', { ...key, behaviours: [...behaviours] });
  const paths = Array.from({ length: crowdedFrom + 40 }, (_, i) => seen(`/data/temp-${i}`, i + 1));
  const others = [seen('/etc/hosts', 7), seen('/data/id_rsa', 9)];

  it('does not grow by names without end, and keeps when the first and the last was seen', () => {
    const profile = new GrowingProfile(key);
    profile.join(record([...others, ...paths]));
    const { behaviours } = profile.record();
    expect(behaviours.map(({ object }) => object)).toEqual(['/data/id_rsa', '/data/…', '/etc/hosts']);
    expect(behaviours[1]!.evidence).toMatchObject({ firstSeen: 1, lastSeen: crowdedFrom + 40 });
  });

  it('is the same from parts, none of which is crowded', () => {
    const whole = new GrowingProfile(key);
    whole.join(record([...paths, ...others]));
    const parted = new GrowingProfile(key);
    for (const part of [paths.slice(300), others, paths.slice(0, 300)])
      parted.join(GrowingProfile.of(record(part)).record());
    expect(parted.record()).toEqual(whole.record());
  });
});
