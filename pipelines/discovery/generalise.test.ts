import { describe, expect, it } from 'vitest';
import type { Evidence } from '#schemas';
import { type GeneraliseOptions, generalise } from './generalise.ts';
import { pathDefaults } from './path-options.ts';

const evidence: Evidence = {
  count: 1,
  firstSeen: 1,
  lastSeen: 1,
  replicas: [],
  days: [0],
  sketch: [1],
  samples: [],
};

/** `r /path`, `w /path` → `rw /dir/ recursive`. */
function generalised(seen: readonly string[], options: Partial<GeneraliseOptions> = {}) {
  const reported: string[] = [];
  const accesses = seen.map(each => ({ path: each.slice(2), write: each.startsWith('w'), evidence }));
  const rules = generalise(accesses, { report: (path, why) => reported.push(`${path}: ${why}`), ...options });
  const spelled = rules.map(
    ({ path, recursive, readOnly }) => `${readOnly ? 'r' : 'rw'} ${path}${recursive ? ' recursive' : ''}`,
  );
  return { rules, spelled, reported };
}

const rulesFor = (...seen: string[]) => generalised(seen).spelled;

const many = (count: number, spell: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => spell(i));
/** Names without a digit. */
const letters = (i: number) => String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26));

describe('generalising paths', () => {
  it.each([
    ['what was read may be read', ['r /etc/nginx/nginx.conf'], ['r /etc/nginx/nginx.conf']],
    [
      'what was written may be read and written',
      ['r /data/dump.rdb', 'w /data/dump.rdb'],
      ['rw /data/dump.rdb'],
    ],
    ['a directory that was listed', ['r /etc/nginx/'], ['r /etc/nginx']],
    ['a background save named after its process', ['w /data/temp-17.rdb'], ['rw /data/']],
    [
      'parts of an append-only file',
      ['w /data/appendonlydir/appendonly.aof.2.incr.aof'],
      ['rw /data/appendonlydir/'],
    ],
    [
      'temporary files in counted directories, and the directories',
      ['w /var/lib/nginx/proxy/1/', 'w /var/lib/nginx/proxy/1/00/', 'w /var/lib/nginx/proxy/1/00/0000000001'],
      ['rw /var/lib/nginx/proxy/ recursive'],
    ],
    ['mkstemp', ['w /tmp/upload.aB3xY9'], ['rw /tmp/']],
    [
      'other processes, whichever they are, no path can name: they stay those that were seen',
      ['r /proc/23/stat', 'r /proc/24/smaps', 'r /proc/24/task/25/comm'],
      ['r /proc/23/stat', 'r /proc/24/smaps', 'r /proc/24/task/25/comm'],
    ],
    ['the first process of a container is always 1', ['r /proc/1/stat'], ['r /proc/1/stat']],
    ['system settings under /proc', ['r /proc/sys/net/core/somaxconn'], ['r /proc/sys/net/core/somaxconn']],
    [
      'a volume of Kubernetes',
      ['r /etc/config/..2026_01_01_00_00_00.123456789/app.yaml'],
      ['r /etc/config/ recursive'],
    ],
    [
      'a token of Kubernetes, which is renewed every hour',
      ['r /run/secrets/kubernetes.io/serviceaccount/..2026_01_01_00_00_00.1/token'],
      ['r /run/secrets/kubernetes.io/serviceaccount/ recursive'],
    ],
    [
      'versions of libraries',
      ['r /usr/lib/x86_64-linux-gnu/libssl.so.3', 'r /lib/libc-20240101.so'],
      ['r /lib/libc-20240101.so', 'r /usr/lib/x86_64-linux-gnu/libssl.so.3'],
    ],
    [
      'a file that is only read among temporary ones: before it was seen, their rule admitted writing it, too',
      ['w /data/temp-17.rdb', 'r /data/redis.conf'],
      ['rw /data/'],
    ],
    ['a written file among temporary ones', ['w /data/temp-17.rdb', 'w /data/dump.rdb'], ['rw /data/']],
    ['what would open /etc', ['w /etc/cache-17.tmp'], ['rw /etc/cache-17.tmp']],
    ['what would open the root', ['w /core.123'], ['rw /core.123']],
    ['a process’s environment stays that one', ['r /proc/23/environ'], ['r /proc/23/environ']],
    ['shadow', ['r /etc/shadow', 'r /etc/passwd'], ['r /etc/passwd', 'r /etc/shadow']],
  ])('%s', (_, seen, expected) => expect(rulesFor(...seen)).toEqual(expected));

  it('says what a directory admits that was not seen', () => {
    const admits = (...seen: string[]) => generalised(seen).rules.map(rule => rule.admits);
    expect(admits('r /etc/hosts')).toEqual(['']);
    expect(admits('w /data/temp-17.rdb')).toEqual([
      'what lies directly in /data/ to be read and written: names with digits',
    ]);
    expect(admits('r /srv/de305d54-75b4-431b-adb2-eb6b9e546014/a')).toEqual([
      'everything below /srv/ to be read: names with uuid',
    ]);
    expect(admits(...many(50, i => `r /srv/file${letters(i)}`))).toEqual([
      'what lies directly in /srv/ to be read: many of its names were seen',
    ]);
  });

  it('admits all processes only where it may widen, says so, and not for what is sensitive of them', () => {
    const seen = ['r /proc/23/stat', 'r /proc/24/stat', 'r /proc/24/environ', 'w /proc/24/oom_score_adj'];
    const { spelled, reported } = generalised(seen, { widen: true });
    expect(spelled).toEqual(['r /proc/ recursive', 'rw /proc/24/oom_score_adj']);
    expect([...new Set(reported)]).toEqual([
      '/proc/<pid>/stat: widened to all files of the processes the container sees, environ included, to be read',
      '/proc/<pid>/environ: processes have other numbers in the next run, and no path can name whichever it is',
      '/proc/<pid>/oom_score_adj: processes have other numbers in the next run, and no path can name whichever it is',
    ]);
    expect(generalised(seen).reported).toContain(
      '/proc/<pid>/stat: processes have other numbers in the next run, and no path can name whichever it is',
    );
  });

  it('writes a pattern for whichever process where it may, but not for what is sensitive of it', () => {
    const seen = [
      'r /proc/23/stat',
      'r /proc/24/stat',
      'w /proc/24/oom_score_adj',
      'r /proc/24/task/25/comm',
    ];
    const others = [
      'r /proc/self/maps',
      'r /proc/self/smaps',
      'r /proc/24/environ',
      'r /proc/24/',
      'r /proc/1/oom_score_adj',
      'r /proc/…/…',
      'r /proc/stat',
    ];
    const { rules, spelled } = generalised([...seen, ...others], {
      paths: { ...pathDefaults, patterns: true },
    });
    expect(spelled).toEqual([
      'rw /proc/*/oom_score_adj',
      'r /proc/*/smaps',
      'r /proc/*/stat',
      'r /proc/*/task/*/comm',
      'r /proc/24',
      'r /proc/24/environ',
      'r /proc/self/maps',
      'r /proc/stat',
    ]);
    expect(rules[2]).toMatchObject({
      observed: 2,
      admits: '/proc/*/stat to be read: that file of every process the container sees',
    });
  });

  it('takes what stands for many names for the rule of their directory, or reports it', () => {
    expect(rulesFor('w /data/…', 'r /srv/…/…')).toEqual(['rw /data/', 'r /srv/ recursive']);
    const { spelled, reported } = generalised(['r /proc/…/…', 'w /usr/lib/…', 'r /etc/hosts']);
    expect(spelled).toEqual(['r /etc/hosts']);
    expect(reported).toEqual([
      '/proc/<pid>/…: processes have other numbers in the next run, and no path can name whichever it is',
      '/proc/…/…: no rule can name it',
      '/usr/lib/…: no rule can name it',
    ]);
    expect(generalised(['r /proc/…/…'], { widen: true }).spelled).toEqual(['r /proc/ recursive']);
  });

  it('reports what no rule can name, and what is fleeting in a place too sensitive to open', () => {
    const reported: string[] = [];
    const report = (path: string, why: string) => reported.push(`${path}: ${why}`);
    const paths = ['unresolved:', '/', 'relative', '/etc/x-17.tmp'];
    generalise(
      paths.map(path => ({ path, write: true, evidence })),
      { report },
    );
    expect(reported).toEqual([
      '/: no rule can name it',
      '/etc/x-17.tmp: its name changes from run to run, but its directory holds too much to be admitted',
      'relative: no rule can name it',
      'unresolved:: no rule can name it',
    ]);
  });
});

describe('a directory of which many names were seen', () => {
  const names = (count: number, directory: string, how = 'r') =>
    many(count, i => `${how} ${directory}n${letters(i)}`);
  const counts = (seen: string[], options?: Partial<GeneraliseOptions>) => generalised(seen, options).spelled;

  it.each([
    ['scratch', '/var/cache/app/', 10],
    ['data', '/srv/app/', 50],
    ['programs, to be read', '/usr/lib/python3/', 100],
  ])('is one rule from as many as its kind has it: %s', (_, directory, from) => {
    expect(counts(names(from - 1, directory))).toHaveLength(from - 1);
    expect(counts(names(from, directory))).toEqual([`r ${directory}`]);
  });

  it('is admitted for writing when as many were written, and never where programs lie', () => {
    const seen = [...names(50, '/srv/app/', 'r'), ...names(49, '/srv/app/', 'w')];
    expect(counts(seen).filter(rule => rule.endsWith('/'))).toEqual(['r /srv/app/']);
    expect(counts(names(50, '/srv/app/', 'w'))).toEqual(['rw /srv/app/']);
    expect(counts(names(200, '/usr/lib/app/', 'w'))).toHaveLength(200);
  });

  it('is admitted with all below it when as many of its directories hold something', () => {
    const objects = many(50, i => `r /srv/git/${letters(i)}/x/file`);
    expect(counts(objects)).toEqual(['r /srv/git/ recursive']);
    expect(counts(objects.slice(1))).toHaveLength(49);
  });

  it.each([
    '/etc/',
    '/',
    '/root/.ssh/',
    '/run/secrets/db/',
    '/var/lib/kubelet/pods/',
    '/proc/',
    '/dev/',
    '/run/',
  ])('stays its names where something sensitive may lie: %s', directory => {
    expect(counts(names(300, directory))).toHaveLength(300);
  });

  it('does not count what is sensitive, and is not admitted for it', () => {
    expect(counts(many(200, i => `r /srv/tls/${letters(i)}.key`))).toHaveLength(200);
  });

  it('is as its options have it', () => {
    const paths = { ...pathDefaults, namesFrom: { scratch: 3, data: 0, programs: 3 } };
    expect(counts(names(3, '/tmp/'), { paths })).toEqual(['r /tmp/']);
    expect(counts(names(300, '/srv/'), { paths })).toHaveLength(300);
    const sensitive = { ...paths, sensitive: ['/tmp/vault/', '/var/tmp/seed'] };
    expect(counts(names(3, '/tmp/vault/'), { paths: sensitive })).toHaveLength(3);
    expect(counts(names(3, '/var/tmp/'), { paths: sensitive })).toHaveLength(3);
    expect(counts(['r /srv/a/12345'], { paths: { ...paths, digitsFrom: 5 } })).toEqual(['r /srv/a/']);
    expect(counts(['r /srv/a/0a1b2c3d'], { paths: { ...paths, hexFrom: 8 } })).toEqual(['r /srv/a/']);
  });
});

/** Questions that the tests of other tools ask, answered as paths that KubeArmor can name. */
describe('what others generalise', () => {
  it.each([
    // Security Profiles Operator: what varies in a path.
    [
      'a setting of a module',
      ['r /sys/module/apparmor/parameters/enabled'],
      ['r /sys/module/apparmor/parameters/enabled'],
    ],
    [
      'a layer of a container’s file system, by its short id',
      ['r /var/lib/containers/storage/overlay/8a0a50ee00/merged/dev/null'],
      ['r /var/lib/containers/storage/overlay/ recursive'],
    ],
    [
      'a snapshot of containerd',
      ['r /var/lib/containerd/snapshots/118/fs/a'],
      ['r /var/lib/containerd/snapshots/ recursive'],
    ],
    ['a directory of os.MkdirTemp', ['w /tmp/kubelet-detect-safe-umount1404256428/'], ['rw /tmp/']],
    ['what lies in one', ['w /tmp/kubelet-detect-safe-umount1404256428/test'], ['rw /tmp/ recursive']],
    // There two files of a directory make all of it writable.
    [
      'two files of a directory, of which one is temporary, among settings',
      ['w /etc/nginx/conf.d/default.conf', 'w /etc/nginx/conf.d/sedIWASqqq'],
      ['rw /etc/nginx/conf.d/default.conf', 'rw /etc/nginx/conf.d/sedIWASqqq'],
    ],
    // discovery-engine: more than three files make a recursive directory, and a directory that was listed takes all below it.
    [
      'four modules of a language',
      [
        'r /usr/lib/python2.7/a.py',
        'r /usr/lib/python2.7/b.py',
        'r /usr/lib/python2.7/c.py',
        'r /usr/lib/python2.7/d.py',
      ],
      [
        'r /usr/lib/python2.7/a.py',
        'r /usr/lib/python2.7/b.py',
        'r /usr/lib/python2.7/c.py',
        'r /usr/lib/python2.7/d.py',
      ],
    ],
    [
      'a directory that was listed, and a file below',
      ['r /usr/lib/python2.7/', 'r /usr/lib/python2.7/folder/xyz'],
      ['r /usr/lib/python2.7', 'r /usr/lib/python2.7/folder/xyz'],
    ],
    ['the root, which was listed', ['r /srv/', 'r /srv/a'], ['r /srv', 'r /srv/a']],
    [
      'versions in directories',
      ['r /usr/lib/python2.7/', 'r /usr/lib/python2.8/', 'r /usr/lib/python2.9/', 'r /usr/lib/python2.10/'],
      ['r /usr/lib/python2.10', 'r /usr/lib/python2.7', 'r /usr/lib/python2.8', 'r /usr/lib/python2.9'],
    ],
    // kubescape: many users' files, where the middle of a path is what differs.
    [
      'few users’ files',
      ['r /home/ann/file.txt', 'r /home/bob/file.txt', 'w /home/cleo/file.txt'],
      ['r /home/ann/file.txt', 'r /home/bob/file.txt', 'rw /home/cleo/file.txt'],
    ],
    [
      'many users’ files: their homes hold keys, so they stay what they are',
      many(101, i => `r /home/user${letters(i)}/file.txt`),
      many(101, i => `r /home/user${letters(i)}/file.txt`),
    ],
    ['many tenants’ files', many(50, i => `r /srv/tenant${letters(i)}/file.txt`), ['r /srv/ recursive']],
    [
      'reading and writing are told apart',
      [...many(50, i => `r /srv/a/${letters(i)}.txt`), 'w /srv/a/log.txt'],
      ['r /srv/a/', 'rw /srv/a/log.txt'],
    ],
  ])('%s', (_, seen, expected) => expect(rulesFor(...seen)).toEqual(expected));
});
