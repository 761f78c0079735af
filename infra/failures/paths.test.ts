/** What peers got wrong about files and processes: docs/failures.md. */

import { describe, expect, it } from 'vitest';
import { learned, type PathOperation, path, type Recorded } from './learned.ts';
import { log, web, workloadObject } from './recordings.ts';

const objects = [workloadObject('Deployment', 'web', web)];
const opened = (name: string, given: object = {}) => log('File', name, given);
const executed = (name: string, given: object = {}) =>
  log('Process', name, { ProcessName: name.split(' ')[0], ...given });

/** Verdicts of KubeArmor's documents on what was recorded. */
function verdicts(recorded: Recorded) {
  const { verdict, ...rest } = learned({ objects, ...recorded });
  const on = (operation: PathOperation, source?: string) => (name: string) =>
    verdict('kubearmor', path(operation, web, name, source));
  return { ...rest, read: on('FILE_READ'), write: on('FILE_WRITE'), execute: on('EXEC'), on };
}

describe('a directory', () => {
  // discovery-engine: the fourth file under /etc opened all of it; kubescape collapses at 100
  it('of settings stays closed, however many of its files were read', () => {
    const files = Array.from(
      { length: 150 },
      (_, i) => `/etc/app/part-${String.fromCharCode(97 + (i % 26))}${i}.conf`,
    );
    const { read } = verdicts({ logs: [...files, '/etc/passwd', '/etc/hosts'].map(name => opened(name)) });
    expect(files.map(read).every(verdict => verdict === 'allow')).toBe(true);
    expect(['/etc/shadow', '/etc/kubernetes/pki/ca.key', '/etc/ssl/private/a.key'].map(read)).toEqual([
      'deny',
      'deny',
      'deny',
    ]);
  });

  // discovery-engine #687: to open / became `dir: /, recursive: true`; landlock-genprof read it as reading /
  it('that was opened itself opens nothing in it', () => {
    const { read, losses } = verdicts({
      logs: [
        opened('/', { Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_DIRECTORY' }),
        opened('/data/', { Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_DIRECTORY' }),
        opened('/srv/index.html'),
      ],
    });
    expect(['/srv/index.html', '/etc/shadow', '/data/secret', '/srv/other'].map(read)).toEqual([
      'allow',
      'deny',
      'deny',
      'deny',
    ]);
    expect(losses.join()).toContain('access to /');
  });

  // discovery-engine: whatever begins with /proc, /sys and /tmp was taken for a file in them
  it('is told by its whole name', () => {
    const { read } = verdicts({
      logs: ['/processed.log', '/system.conf', '/tmpfile'].map(name => opened(name)),
    });
    expect(['/processed.log', '/proc/1/environ', '/sys/kernel/x', '/tmp/x'].map(read)).toEqual([
      'allow',
      'deny',
      'deny',
      'deny',
    ]);
  });

  // discovery-engine: /lib/x86_64-linux-gnu/ was always admitted
  it('is not admitted that nobody looked into', () => {
    const { read } = verdicts({ logs: [opened('/data/a')] });
    expect(['/lib/x86_64-linux-gnu/libc.so.6', '/lib/aarch64-linux-gnu/libc.so.6'].map(read)).toEqual([
      'deny',
      'deny',
    ]);
  });
});

describe('names that are another one on the next run', () => {
  // cpg: a rule for each; security-profiles-operator: 10,000 paths, then nothing more
  it('do not grow the policy: identifiers and dates are seen through before anything is counted', () => {
    const uuid = (i: number) => `0d5f${String(i).padStart(4, '0')}-1b2c-4d3e-8f4a-5b6c7d8e9f00`;
    const files = Array.from({ length: 2000 }, (_, i) => `/data/orders/${uuid(i)}.json`);
    const { read, policies } = verdicts({ logs: files.map(name => opened(name)) });
    expect(policies.flatMap(({ rules }) => rules).length).toBeLessThan(10);
    expect([files[0]!, `/data/orders/${uuid(9999)}.json`, '/data/other/a'].map(read)).toEqual([
      'allow',
      'allow',
      'deny',
    ]);
  });

  it('say in their rule how many were seen and what they admit besides', () => {
    const files = Array.from({ length: 40 }, (_, i) => `/data/cache/${100_000 + i * 31}.bin`);
    const { policies } = verdicts({ logs: files.map(name => opened(name)) });
    const rule = policies
      .flatMap(({ rules }) => rules)
      .find(({ summary }) => summary.includes('/data/cache/'));
    expect(rule).toMatchObject({ observed: 40 });
    expect(rule!.admits).not.toBe('');
  });

  it('of secrets stay as they are', () => {
    const names = ['/run/secrets/a1b2c3d4e5f60718', '/home/app/.ssh/id_rsa'];
    const { read } = verdicts({ logs: names.map(name => opened(name)) });
    expect([...names, '/run/secrets/ffffffffffffffff', '/home/app/.ssh/id_ed25519'].map(read)).toEqual([
      'allow',
      'allow',
      'deny',
      'deny',
    ]);
  });
});

describe('a path', () => {
  // discovery-engine cut paths at the first space
  it('is whole, with its spaces', () => {
    const { read, execute } = verdicts({
      logs: [opened('/data/my file.txt'), executed('/opt/my app/run -v', { ProcessName: '/opt/my app/run' })],
    });
    expect(['/data/my file.txt', '/data/my'].map(read)).toEqual(['allow', 'deny']);
    expect(['/opt/my app/run', '/opt/my'].map(execute)).toEqual(['allow', 'deny']);
  });

  // discovery-engine dropped whatever had "runc" in it; #687: the main process was missing
  it('is learned whatever its name is like, and so is the first process of a container', () => {
    const { execute } = verdicts({
      logs: [
        executed('/app/myrunc', { Source: '/usr/bin/runc', ParentProcessName: '' }),
        executed('/usr/local/bin/truncate'),
      ],
    });
    expect(['/app/myrunc', '/usr/local/bin/truncate', '/usr/bin/runc'].map(execute)).toEqual([
      'allow',
      'allow',
      'deny',
    ]);
  });

  // discovery-engine computed whether a file was only read, and never used it
  it('that was only read may not be written', () => {
    const { read, write } = verdicts({
      logs: [opened('/data/a'), opened('/data/b', { Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDWR' })],
    });
    expect([read('/data/a'), write('/data/a'), read('/data/b'), write('/data/b')]).toEqual([
      'allow',
      'deny',
      'allow',
      'allow',
    ]);
  });

  it('of a program that was tried and was not there is not admitted: what is put there later would run', () => {
    const absent = { Result: 'No such file or directory' };
    const { execute } = verdicts({ logs: [executed('/usr/local/bin/ls', absent), executed('/bin/ls')] });
    expect(['/usr/local/bin/ls', '/bin/ls'].map(execute)).toEqual(['deny', 'allow']);
  });

  // discovery-engine: one output kept who opened a file, the other lost it
  it('is for whom it was seen with, where that is asked for', () => {
    const logs = [
      opened('/data/a', { ProcessName: '/bin/main' }),
      opened('/data/b', { ProcessName: '/bin/other' }),
    ];
    const { on } = verdicts({ logs, options: { fromSource: true } });
    const by = (source: string) => ['/data/a', '/data/b'].map(on('FILE_READ', source));
    expect([by('/bin/main'), by('/bin/other'), by('/bin/dropped')]).toEqual([
      ['allow', 'deny'],
      ['deny', 'allow'],
      ['deny', 'deny'],
    ]);
  });
});
