import { deflateRawSync } from 'node:zlib';
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectFormat, formatReader } from './detect-format.ts';
import { eventsOf, readText } from './read-text.ts';

const oid = {
  type: 'record',
  name: 'OID',
  namespace: 'sysflow.type',
  fields: [
    { name: 'createTS', type: 'long' },
    { name: 'hpid', type: 'long' },
  ],
};
const of = (name: string, fields: Record<string, unknown>) => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});
const foid = { type: 'fixed', name: 'FOID', namespace: 'sysflow.type', size: 20 };
const head = { procOID: 'sysflow.type.OID', ts: 'long', opFlags: 'int' };
const schema = {
  ...{ type: 'record', name: 'SysFlow', namespace: 'sysflow' },
  fields: [
    {
      name: 'rec',
      type: [
        of('sysflow.entity.SFHeader', { version: 'long', exporter: 'string' }),
        of('sysflow.entity.Container', {
          id: 'string',
          name: 'string',
          image: 'string',
          podId: ['null', 'string'],
        }),
        of('sysflow.entity.Pod', {
          id: 'string',
          name: 'string',
          namespace: 'string',
          labels: { type: 'map', values: 'string' },
          internalIP: { type: 'array', items: 'long' },
        }),
        of('sysflow.entity.Process', {
          oid,
          poid: ['null', 'sysflow.type.OID'],
          exe: 'string',
          exeArgs: 'string',
          uid: 'int',
          gid: 'int',
          containerId: ['null', 'string'],
          cwd: 'string',
        }),
        of('sysflow.entity.File', { oid: foid, restype: 'int', path: 'string' }),
        of('sysflow.event.ProcessEvent', { ...head, ret: 'int' }),
        of('sysflow.flow.FileFlow', { ...head, openFlags: 'int', fileOID: 'sysflow.type.FOID' }),
        of('sysflow.event.FileEvent', {
          ...head,
          fileOID: 'sysflow.type.FOID',
          newFileOID: ['null', 'sysflow.type.FOID'],
          ret: 'int',
        }),
        of('sysflow.flow.NetworkFlow', {
          ...head,
          sip: 'int',
          sport: 'int',
          dip: 'int',
          dport: 'int',
          proto: 'int',
        }),
      ],
    },
  ],
};
/** Writes nanoseconds, which avsc does not as plain numbers. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => Number(bytes.readBigInt64LE()),
  toBuffer: (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'number',
  compare: (one: number, other: number) => one - other,
} as never);
const type = avro.Type.forSchema(
  schema as never,
  { wrapUnions: 'auto', registry: { long: exactLong } } as never,
);
const sync = Buffer.alloc(16, 7);

function block(records: readonly object[]): Buffer {
  const data = deflateRawSync(Buffer.concat(records.map(rec => type.toBuffer({ rec }))));
  const long = (value: number) => avro.Type.forSchema('long').toBuffer(value);
  return Buffer.concat([long(records.length), long(data.length), data, sync]);
}

function file(...blocks: readonly (readonly object[])[]): Buffer {
  const meta = avro.Type.forSchema({ type: 'map', values: 'bytes' }).toBuffer({
    'avro.codec': Buffer.from('deflate'),
    'avro.schema': Buffer.from(JSON.stringify(schema)),
  });
  return Buffer.concat([Buffer.from('Obj\x01', 'latin1'), meta, sync, ...blocks.map(block)]);
}

const process1 = { createTS: 7, hpid: 100 };
const fileOf = (byte: number) => Buffer.alloc(20, byte);
const entity = (name: string, fields: object) => ({ [`sysflow.entity.${name}`]: fields });
const proc = (exe: string, exeArgs = '', oid = process1) =>
  entity('Process', { oid, poid: null, exe, exeArgs, uid: 5, gid: 5, containerId: 'c1', cwd: '/srv/app' });
const start = [
  entity('SFHeader', { version: 4, exporter: 'n1' }),
  entity('Container', { id: 'c1', name: '/httpd', image: 'httpd:2', podId: null }),
  proc('/bin/sh'),
  entity('File', { oid: fileOf(1), restype: 'f'.charCodeAt(0), path: '/etc/hosts' }),
  entity('File', { oid: fileOf(2), restype: 'p'.charCodeAt(0), path: 'pipe:[1]' }),
  entity('File', { oid: fileOf(3), restype: 'd'.charCodeAt(0), path: '/srv' }),
  entity('File', { oid: fileOf(4), restype: '?'.charCodeAt(0), path: '/run/httpd.pid' }),
  entity('File', { oid: fileOf(5), restype: '?'.charCodeAt(0), path: '/proc/self/fd/1' }),
];
const podOf = (more: object = {}) => ({
  ...{ id: 'u1', name: 'web-0', namespace: 'shop', labels: { app: 'web' }, internalIP: [] },
  ...more,
});
const at = { procOID: process1, ts: 1_767_225_600_000_042_000 };
const fileFlow = (opFlags: number, openFlags: number, which: number) => ({
  'sysflow.flow.FileFlow': { ...at, opFlags, openFlags, fileOID: fileOf(which) },
});
const fileEvent = (opFlags: number, ret: number) => ({
  'sysflow.event.FileEvent': { ...at, opFlags, ret, fileOID: fileOf(1), newFileOID: fileOf(3) },
});
// 10.0.0.1 and 10.0.0.2, in the order of the network, read as little endian.
const networkFlow = (opFlags: number, more: object = {}) => ({
  'sysflow.flow.NetworkFlow': {
    ...at,
    opFlags,
    sip: 0x0100000a,
    sport: 40_000,
    dip: 0x0200000a,
    dport: 80,
    proto: 6,
    ...more,
  },
});
const executed = (ret = 0) => ({ 'sysflow.event.ProcessEvent': { ...at, opFlags: 2, ret } });

const happening = (...records: object[]) => {
  const outcomes = readText('sysflow', file([...start, ...records])).slice(start.length);
  return outcomes.filter(outcome => !('skipped' in outcome && outcome.skipped === 'entity'));
};

describe('SysFlow', () => {
  it.each<[string, object[], object]>([
    [
      'an execution is by the caller, of what it became',
      [proc('/usr/bin/httpd', '-D x'), executed()],
      {
        execution: { path: '/usr/bin/httpd', args: ['-D', 'x'] },
        process: { executable: '/bin/sh', uid: 5 },
      },
    ],
    [
      'an opened file was read',
      [fileFlow(128, 1, 1)],
      { file: { path: '/etc/hosts', read: true, write: false } },
    ],
    ['a file opened to be written was', [fileFlow(128, 2, 1)], { file: { read: false, write: true } }],
    ['a file opened before was written', [fileFlow(512, 0, 1)], { file: { read: false, write: true } }],
    ['a directory ends in a slash', [fileFlow(128, 1, 3)], { file: { path: '/srv/' } }],
    [
      'a file that the opening made is one, though the collector does not know its kind yet',
      [fileFlow(128, 4 | 2, 4)],
      { file: { path: '/run/httpd.pid', read: false, write: true } },
    ],
    [
      'a symbolic link is what is made, not what it says',
      [fileEvent(1 << 19, 0)],
      { file: { operation: 'SYMLINK', path: '/srv/', targetPath: '/etc/hosts', write: true } },
    ],
    [
      'an executable given from the working directory',
      [proc('./httpd'), executed()],
      { execution: { path: '/srv/app/httpd' } },
    ],
    [
      'a change has both paths',
      [fileEvent(1 << 20, 0)],
      { file: { operation: 'RENAME', path: '/etc/hosts', targetPath: '/srv', write: true } },
    ],
    [
      'what was refused is a denial',
      [fileEvent(1 << 18, -13)],
      { file: { operation: 'UNLINK' }, verdict: 'DENY' },
    ],
    [
      'an accepted connection came in',
      [networkFlow(32)],
      {
        network: {
          operation: 'ACCEPT',
          localAddress: '10.0.0.2',
          localPort: 80,
          remoteAddress: '10.0.0.1',
          transport: 'TCP',
        },
      },
    ],
    [
      'a connection went out',
      [networkFlow(64)],
      { network: { operation: 'CONNECT', remoteAddress: '10.0.0.2', remotePort: 80, localPort: 40_000 } },
    ],
  ])('%s', (_, records, expected) => {
    expect(eventsOf(happening(...records))[0]!.event).toMatchObject(expected);
  });

  it('a flow on a connection whose opening was seen goes the same way', () => {
    const directions = eventsOf(happening(networkFlow(32), networkFlow(256))).map(
      ({ event }) => 'network' in event && event.network.direction,
    );
    expect(directions).toEqual(['INGRESS', 'INGRESS']);
    expect(happening(networkFlow(256))).toMatchObject([{ skipped: 'who opened the connection is not told' }]);
  });

  it('a flow that does not say who opened it is told by the address of the container, once that is known', () => {
    const dns = { sip: 0x0100000a, dip: 0x0900000a, dport: 53, proto: 17 };
    const received = { sip: 0x0900000a, sport: 5000, dip: 0x0100000a, dport: 514, proto: 17 };
    const read = (...records: object[]) =>
      eventsOf(happening(...records)).flatMap(({ event }) =>
        'network' in event ? [`${event.network.direction} ${event.network.remoteAddress}`] : [],
      );
    expect(read(networkFlow(768, dns))).toEqual([]);
    // It connected from 10.0.0.1, so that is its own.
    expect(read(networkFlow(64), networkFlow(768, dns), networkFlow(256, received))).toEqual([
      'EGRESS 10.0.0.2',
      'EGRESS 10.0.0.9',
      'INGRESS 10.0.0.9',
    ]);
    const pod = entity('Pod', podOf({ internalIP: [0x0100000a] }));
    const within = entity('Container', { id: 'c1', name: 'nginx', image: 'nginx', podId: 'u1' });
    expect(read(pod, within, networkFlow(768, dns))).toEqual(['EGRESS 10.0.0.9']);
    // Both ends within the machine: neither is told by the address.
    const loopback = { sip: 0x0100007f, dip: 0x0100007f };
    expect(read(networkFlow(64, loopback), networkFlow(256, { ...loopback, sport: 7 }))).toEqual([
      'EGRESS 127.0.0.1',
    ]);
  });

  it.each<[string, object[]]>([
    ['the object has no path', [fileFlow(128, 1, 2)]],
    ['an object reached through a descriptor, of which the path is not told', [fileFlow(128, 2, 5)]],
    ['the call failed', [fileEvent(1 << 15, -17)]],
    ['a socket within the machine', [networkFlow(64, { proto: -1 })]],
    ['the runtime making the container', [proc('docker-runc', 'init'), fileFlow(128, 1, 1)]],
    ['the runtime making the container', [proc('/usr/bin/runc:[2:INIT]', 'init'), fileFlow(128, 1, 1)]],
    ['the path of the executable is not absolute', [proc('httpd'), executed()]],
  ])('skips with a reason: %s', (reason, records) =>
    expect(happening(...records).at(-1)).toMatchObject({ skipped: reason }),
  );

  it('tells containers outside of Kubernetes by their name, those within by their pod', () => {
    const [alone] = eventsOf(happening(fileFlow(128, 1, 1)));
    expect(alone!.event.container).toMatchObject({
      namespace: 'container_namespace',
      workloadKind: 'Container',
      workload: 'httpd',
      name: 'httpd',
    });
    expect(alone!.subject.labels).toEqual({ 'kubearmor.io/container.name': 'httpd' });
    const pod = entity('Pod', podOf());
    const within = entity('Container', { id: 'c1', name: 'nginx', image: 'nginx', podId: 'u1' });
    const [event] = eventsOf(happening(pod, within, fileFlow(128, 1, 1)));
    expect(event!.event.container).toMatchObject({
      namespace: 'shop',
      pod: 'web-0',
      podUid: 'u1',
      name: 'nginx',
    });
    expect(event!.subject.labels).toEqual({ app: 'web' });
  });

  it('has times and places: nanoseconds become microseconds, the number of the record is the line', () => {
    const [{ event }] = eventsOf(happening(fileFlow(128, 1, 1))) as unknown as [
      { event: { time: number; origin: object } },
    ];
    expect(Math.abs(event.time - 1_767_225_600_000_042)).toBeLessThanOrEqual(1);
    expect(event.origin).toMatchObject({
      bootId: `in:${start.length + 1}`,
      node: 'n1',
      agent: 'feeder/sysflow',
    });
  });

  it('a damaged block is lost alone, and the file is told by its schema', () => {
    const whole = file(start, [fileFlow(128, 1, 1)], [networkFlow(32)]);
    expect(detectFormat(whole, 'in')).toBe('sysflow');
    const damaged = Buffer.from(whole);
    const second = whole.length - block([networkFlow(32)]).length - block([fileFlow(128, 1, 1)]).length;
    damaged.fill(0xff, second + 3, second + 8);
    const outcomes = readText('sysflow', damaged);
    expect(outcomes.filter(outcome => 'bad' in outcome)).toMatchObject([
      { bad: expect.stringContaining('block 2') },
    ]);
    expect(eventsOf(outcomes)).toHaveLength(1);
    expect(eventsOf(readText('sysflow', whole.subarray(0, whole.length - 5)))).toHaveLength(1);
  });

  it('reads on behind a block whose size was damaged to claim all that follows', () => {
    const last = block([networkFlow(32)]);
    const whole = file(start, [fileFlow(128, 1, 1)], [networkFlow(32)]);
    const second = whole.length - last.length - block([fileFlow(128, 1, 1)]).length;
    const damaged = Buffer.concat([
      whole.subarray(0, second + 1),
      Buffer.from([0x80, 0x80, 0x08]),
      whole.subarray(second + 1),
    ]);
    const outcomes = readText('sysflow', damaged);
    expect(outcomes.filter(outcome => 'bad' in outcome)).toHaveLength(1);
    expect(eventsOf(outcomes).map(({ topic }) => topic)).toEqual(['events.network.v1']);
  });

  it('gives the same outcomes however the bytes are split, damaged or not', () => {
    const whole = file(start, [fileFlow(128, 1, 1)], [networkFlow(32)], [fileFlow(512, 0, 1)]);
    const damage = fc.option(fc.tuple(fc.nat(whole.length - file().length - 1), fc.nat(255)), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 8 }), damage, (cuts, damaged) => {
        const bytes = Buffer.from(whole);
        if (damaged) bytes[whole.length - 1 - damaged[0]] = damaged[1];
        const reader = formatReader('sysflow', { cluster: 'c', input: 'in' });
        const ends = [...cuts, bytes.length].sort((one, other) => one - other);
        const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        const outcomes = [...pieces.flatMap(piece => [...reader.push(piece)]), ...reader.end()];
        expect(outcomes).toEqual(readText('sysflow', bytes));
      }),
    );
  });
});
