import { describe, expect, it } from 'vitest';
import { eventsOf, readText } from './read-text.ts';

function log(given: object) {
  return {
    Timestamp: 1_767_225_600,
    UpdatedTime: '2026-01-01T00:00:00.000042Z',
    ClusterName: 'east',
    HostName: 'n1',
    NamespaceName: 'shop',
    PodName: 'web-1',
    Labels: 'app=web,tier=front',
    Owner: { Ref: 'Deployment', Name: 'web', Namespace: 'shop' },
    ContainerName: 'nginx',
    ContainerID: 'abc',
    ProcessName: '/usr/sbin/nginx',
    ParentProcessName: '/bin/sh',
    Source: '/usr/sbin/nginx -g x',
    Type: 'ContainerLog',
    Result: 'Passed',
    ...given,
  };
}

const read = (given: object) => readText('kubearmor', JSON.stringify(log(given)));
const one = (given: object) => eventsOf(read(given))[0]!;

describe('a log of KubeArmor', () => {
  it.each<[string, object, object]>([
    [
      'a process',
      {
        Operation: 'Process',
        ProcessName: '/opt/my app/run',
        Resource: '/opt/my app/run -v x',
        Data: 'syscall=SYS_EXECVE',
      },
      { execution: { path: '/opt/my app/run', args: ['-v', 'x'] }, process: { executable: '/bin/sh' } },
    ],
    [
      'a process without its name',
      { Operation: 'Process', ProcessName: '', Resource: '/bin/ls -l' },
      { execution: { path: '/bin/ls', args: ['-l'] } },
    ],
    [
      'a file that is read',
      {
        Operation: 'File',
        Resource: '/etc/a b',
        Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY|O_CLOEXEC',
      },
      {
        file: { operation: 'OPEN', path: '/etc/a b', read: true, write: false },
        process: { executable: '/usr/sbin/nginx' },
      },
    ],
    [
      'a file that is written',
      { Operation: 'File', Resource: '/tmp/x', Data: 'syscall=SYS_OPENAT flags=O_WRONLY|O_CREAT' },
      { file: { read: false, write: true } },
    ],
    [
      'a directory',
      { Operation: 'File', Resource: '/tmp', Data: 'syscall=SYS_OPENAT flags=O_RDONLY|O_DIRECTORY' },
      { file: { path: '/tmp/', read: true } },
    ],
    [
      'flags behind the path',
      { Operation: 'File', Resource: '/tmp/x flags=O_RDWR', Data: '' },
      { file: { path: '/tmp/x', read: true, write: true } },
    ],
    [
      'a file that is removed',
      { Operation: 'File', Resource: '/tmp/x', Data: 'syscall=SYS_UNLINKAT flags=' },
      { file: { operation: 'UNLINK', read: false, write: true } },
    ],
    [
      'a connection',
      {
        Operation: 'Network',
        Resource: 'remoteip=10.0.0.9 port=6379 protocol=TCP',
        Data: 'kprobe=tcp_connect domain=AF_INET',
      },
      {
        network: {
          operation: 'CONNECT',
          direction: 'EGRESS',
          transport: 'TCP',
          remoteAddress: '10.0.0.9',
          remotePort: 6379,
        },
      },
    ],
    [
      'a mapped address',
      {
        Operation: 'Network',
        Resource: 'remoteip=::ffff:10.0.0.9 port=80 protocol=TCPv6',
        Data: 'kprobe=tcp_connect domain=AF_INET6',
      },
      { network: { remoteAddress: '10.0.0.9' } },
    ],
    [
      'an accepted connection',
      {
        Operation: 'Network',
        Resource: 'remoteip=10.0.0.9 port=80 protocol=TCP',
        Data: 'kprobe=tcp_accept domain=AF_INET',
      },
      { network: { operation: 'ACCEPT', direction: 'INGRESS', localPort: 80, remotePort: 0 } },
    ],
    [
      'a connection over IPv6',
      {
        Operation: 'Network',
        Resource: 'remoteip=2001:db8::7 port=443 protocol=TCP',
        Data: 'kprobe=tcp_connect domain=AF_INET6',
      },
      { network: { operation: 'CONNECT', remoteAddress: '2001:db8::7', remotePort: 443 } },
    ],
    [
      'a datagram to a DNS server',
      {
        Operation: 'Network',
        Resource: 'sa_family=AF_INET sin_port=53',
        Data: 'kfunc=UDP_SENDMSG,domain=api.example.org,daddr=10.96.0.10,qtype=AAAA',
      },
      { network: { operation: 'SEND', transport: 'UDP', remoteAddress: '10.96.0.10', remotePort: 53 } },
    ],
    [
      'a socket',
      {
        Operation: 'Network',
        Resource: 'domain=AF_INET type=SOCK_DGRAM protocol=0',
        Data: 'syscall=SYS_SOCKET',
      },
      { network: { operation: 'SOCKET', transport: 'UDP' } },
    ],
    [
      'a capability',
      { Operation: 'Capabilities', Resource: 'CAP_NET_RAW', Data: 'lsm=CAPABLE' },
      { capability: { capability: 'net_raw' } },
    ],
    [
      'a system call',
      { Operation: 'Syscall', Resource: '', Data: 'syscall=SYS_MOUNT source=a target=/mnt' },
      { syscall: { syscall: 'mount', object: '/mnt' } },
    ],
    [
      'tracing, which it files under processes',
      { Operation: 'Process', Resource: '/bin/x', Data: 'syscall=SYS_PTRACE request=1 pid=2' },
      { syscall: { syscall: 'ptrace', object: '/bin/x' } },
    ],
  ])('of %s is that event', (_, given, expected) => expect(one(given).event).toMatchObject(expected));

  it('says whose it is, when and where', () => {
    const { event, subject } = one({ Operation: 'Process', Resource: '/bin/ls' });
    expect(event).toMatchObject({
      origin: { cluster: 'east', node: 'n1', agent: 'feeder/kubearmor', bootId: 'in:1', sequence: 0 },
      time: 1_767_225_600_000_042,
      container: {
        id: 'abc',
        name: 'nginx',
        namespace: 'shop',
        pod: 'web-1',
        workloadKind: 'Deployment',
        workload: 'web',
      },
      verdict: 'ALLOW',
    });
    expect(subject.labels).toEqual({ app: 'web', tier: 'front' });
  });

  it.each([
    [{ Result: 'Permission denied' }, 'DENY'],
    [{ Result: 'Operation not permitted' }, 'DENY'],
    [{ Result: 'No such file or directory' }, 'ALLOW'],
    [{ Type: 'MatchedPolicy', PolicyName: 'p', Action: 'Block', Result: 'Permission denied' }, 'DENY'],
    [{ Type: 'MatchedPolicy', PolicyName: 'p', Action: 'Audit' }, 'AUDIT'],
    [{ Type: 'MatchedPolicy', PolicyName: 'p', Action: 'Audit (Block)' }, 'AUDIT'],
    [{ Type: 'MatchedPolicy', PolicyName: 'p', Action: 'Allow' }, 'ALLOW'],
  ])('with %j is %s', (given, verdict) => {
    expect(one({ Operation: 'File', Resource: '/x', Data: 'flags=O_RDONLY', ...given }).event.verdict).toBe(
      verdict,
    );
  });

  it('is the same with keys in any case, and everything in lower case', () => {
    const given = log({
      Operation: 'File',
      Resource: '/x',
      Data: 'syscall=SYS_OPENAT flags=O_WRONLY',
      Owner: undefined,
    });
    const lower = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [
        key.toLowerCase(),
        typeof value === 'string' ? value.toLowerCase() : value,
      ]),
    );
    expect(eventsOf(readText('kubearmor', JSON.stringify([lower])))[0]!.event).toEqual({
      ...one({
        Operation: 'File',
        Resource: '/x',
        Data: 'syscall=SYS_OPENAT flags=O_WRONLY',
        Owner: undefined,
      }).event,
    });
  });

  it.each([
    [{ Operation: 'File', Resource: 'pipe:[1]' }, 'the path is not absolute'],
    [{ Operation: 'File', Resource: '', Data: 'syscall=SYS_CLOSE fd=3' }, 'a file was closed'],
    [
      { Operation: 'Network', Resource: 'sa_family=AF_UNIX', Data: 'syscall=SYS_CONNECT' },
      'a socket within the machine',
    ],
    [{ Operation: 'Device', Resource: 'usb' }, 'operation device is in no policy'],
  ])('%j is skipped: %s', (given, reason) => expect(read(given)).toMatchObject([{ skipped: reason }]));

  it('that is none is bad', () =>
    expect(readText('kubearmor', '{"a":1}')).toMatchObject([
      { bad: expect.stringContaining('no Operation') },
    ]));

  it('of a question to a DNS server is the question too', () => {
    const events = eventsOf(
      read({
        Operation: 'Network',
        Resource: 'sa_family=AF_INET sin_port=53',
        Data: 'kfunc=UDP_SENDMSG,domain=API.example.org,daddr=10.96.0.10,qtype=A',
      }),
    );
    expect(events.map(({ event }) => ('dns' in event ? event.dns : event.origin.sequence))).toEqual([
      0,
      {
        ...{ query: 'api.example.org', serverAddress: '10.96.0.10' },
        ...{ addresses: [], ttlSeconds: 0, responseCode: 0, server: null },
      },
    ]);
  });

  it('of an executable that was not there is none: a shell tries its whole path', () => {
    const tried = {
      Operation: 'Process',
      Resource: '/usr/local/bin/ls',
      Result: 'No such file or directory',
    };
    expect(read(tried)).toMatchObject([{ skipped: 'there was no such executable' }]);
  });

  it.each(['default', 'Default', ''])(
    'of a cluster that nobody named (%j) is of the one that is asked about',
    ClusterName => {
      expect(one({ Operation: 'File', Resource: '/a', ClusterName }).event.origin.cluster).toBe('c');
    },
  );
});
