import { describe, expect, it } from 'vitest';
import type { Evidence } from '#schemas';
import { generalise } from './generalise.ts';

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
function rulesFor(...seen: string[]): string[] {
  const accesses = seen.map(each => ({ path: each.slice(2), write: each.startsWith('w'), evidence }));
  return generalise(accesses, { literal: false, report: () => {} }).map(
    ({ path, recursive, readOnly }) => `${readOnly ? 'r' : 'rw'} ${path}${recursive ? ' recursive' : ''}`,
  );
}

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
    ['other processes', ['r /proc/23/stat', 'r /proc/24/smaps'], ['r /proc/ recursive']],
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
      'a read-only file among temporary ones',
      ['w /data/temp-17.rdb', 'r /data/redis.conf'],
      ['rw /data/', 'r /data/redis.conf'],
    ],
    ['a written file among temporary ones', ['w /data/temp-17.rdb', 'w /data/dump.rdb'], ['rw /data/']],
    ['what would open /etc', ['w /etc/cache-17.tmp'], ['rw /etc/cache-17.tmp']],
    ['what would open the root', ['w /core.123'], ['rw /core.123']],
    ['a process’s environment stays that one', ['r /proc/23/environ'], ['r /proc/23/environ']],
    ['shadow', ['r /etc/shadow', 'r /etc/passwd'], ['r /etc/passwd', 'r /etc/shadow']],
  ])('%s', (_, seen, expected) => expect(rulesFor(...seen)).toEqual(expected));

  it('says what a directory admits that was not seen', () => {
    const [rule] = generalise([{ path: '/proc/23/stat', write: false, evidence }], {
      literal: false,
      report: () => {},
    });
    expect(rule!.admits).toBe(
      'everything below /proc/ to be read: the files of all processes the container sees, environ included',
    );
  });

  it('reports what no rule can name, and what is fleeting in a place too sensitive to open', () => {
    const reported: string[] = [];
    const report = (path: string, why: string) => reported.push(`${path}: ${why}`);
    const paths = ['unresolved:', '/', 'relative', '/etc/x-17.tmp'];
    generalise(
      paths.map(path => ({ path, write: true, evidence })),
      { literal: false, report },
    );
    expect(reported).toEqual([
      '/: no rule can name it',
      '/etc/x-17.tmp: its name changes from run to run, but its directory holds too much to be admitted',
      'relative: no rule can name it',
      'unresolved:: no rule can name it',
    ]);
  });
});
