import { describe, expect, it } from 'vitest';
import { localSerdes, withDefaults } from '#schemas';
import { eventRecord } from './event-record.ts';
import { encodeEvent, type FakeEvent } from './fake-kernel.ts';
import { FieldWriter } from './frame.ts';
import { decodeEvent, eachEvent, eventClass, type KernelEvent } from './kernel-event.ts';

const context = {
  origin: { cluster: 'c1', node: 'n1', agent: 'enforcer', bootId: 'b', sequence: 7 },
  timeUs: 5_000_000,
  container: withDefaults('Container', { id: 'x', workload: 'web' }),
  rule: {
    ref: { policyId: 'p', ruleId: 'file/default', generation: 3 },
    severity: 7,
    tags: ['T'],
    message: 'm',
  },
};

const at = { scope: 5, executable: '/usr/sbin/nginx', parent: '/usr/bin/sh', comm: 'nginx' };
const recordOf = (event: FakeEvent) => eventRecord(decodeEvent(encodeEvent(7, event)), context);

describe('the record of an event', () => {
  it.each<[string, FakeEvent, string, object]>([
    [
      'an exec',
      { ...at, class: eventClass.process, op: 1, path: '/bin/sh' },
      'events.process.v1',
      {
        execution: { path: '/bin/sh', args: [] },
        process: { pid: 100, executable: '/usr/sbin/nginx', comm: 'nginx' },
      },
    ],
    [
      'an open for writing',
      { ...at, class: eventClass.file, op: 1, path: '/tmp/x', access: 2 },
      'events.file.v1',
      { file: { operation: 'OPEN', path: '/tmp/x', read: false, write: true, targetPath: '' } },
    ],
    [
      'a rename',
      { ...at, class: eventClass.file, op: 5, path: '/a', target: '/b', access: 2 },
      'events.file.v1',
      { file: { operation: 'RENAME', path: '/a', targetPath: '/b', write: true } },
    ],
    [
      'a chown',
      { ...at, class: eventClass.file, op: 12, path: '/a', access: 2 },
      'events.file.v1',
      { file: { operation: 'CHOWN' } },
    ],
    [
      'an open of what cannot be placed in the container',
      { ...at, class: eventClass.file, op: 1, path: '/gone', flags: 1 },
      'events.file.v1',
      { file: { path: 'unresolved:/gone' } },
    ],
    [
      'a connect',
      {
        ...at,
        ...{ class: eventClass.egress, op: 1, transport: 1, family: 2 },
        ...{ localAddress: '10.9.0.10', remoteAddress: '10.9.0.20', remotePort: 6379 },
      },
      'events.network.v1',
      {
        network: {
          operation: 'CONNECT',
          direction: 'EGRESS',
          transport: 'TCP',
          localAddress: '10.9.0.10',
          remoteAddress: '10.9.0.20',
          remotePort: 6379,
        },
      },
    ],
    [
      'an accept over IPv6',
      {
        ...at,
        ...{ class: eventClass.ingress, op: 2, transport: 1, family: 10 },
        ...{ localAddress: '2001:db8::1', localPort: 80, remoteAddress: '2001:db8::2', remotePort: 40000 },
      },
      'events.network.v1',
      { network: { operation: 'ACCEPT', direction: 'INGRESS', localPort: 80, remoteAddress: '2001:db8::2' } },
    ],
    [
      'a bind to every address',
      { ...at, class: eventClass.bind, op: 1, transport: 1, family: 10, localPort: 80 },
      'events.network.v1',
      { network: { operation: 'BIND', direction: 'NONE', localAddress: '::', localPort: 80 } },
    ],
    [
      'a datagram sent',
      {
        ...at,
        class: eventClass.egress,
        op: 2,
        transport: 2,
        family: 2,
        remoteAddress: '10.0.0.53',
        remotePort: 53,
      },
      'events.network.v1',
      { network: { operation: 'SEND', transport: 'UDP', localAddress: '' } },
    ],
    [
      'a raw socket',
      { ...at, class: eventClass.socket, op: 1, transport: 6, family: 2 },
      'events.network.v1',
      { network: { operation: 'SOCKET', transport: 'RAW', direction: 'NONE' } },
    ],
    [
      'a ptrace',
      { ...at, class: eventClass.syscall, op: 1, path: '/usr/sbin/nginx' },
      'events.syscall.v1',
      { syscall: { syscall: 'ptrace', object: '/usr/sbin/nginx' } },
    ],
  ])('%s', (_, event, topic, fields) => {
    const record = recordOf(event);
    expect(record.topic).toBe(topic);
    expect(record.value).toMatchObject({
      origin: context.origin,
      time: 5_000_000,
      verdict: 'ALLOW',
      ...fields,
    });
    expect(
      localSerdes()
        .of(record.topic)
        .serialize(record.value as never).length,
    ).toBeGreaterThan(5);
  });

  it('that a rule denied is an alert with the rule, and holds the whole event', () => {
    const record = recordOf({ ...at, class: eventClass.file, op: 1, path: '/etc/shadow', verdict: 'DENY' });
    expect(record).toMatchObject({
      topic: 'alerts.v1',
      value: {
        verdict: 'DENY',
        rule: { policyId: 'p', ruleId: 'file/default', generation: 3 },
        severity: 7,
        tags: ['T'],
        message: 'm',
        file: { operation: 'OPEN', path: '/etc/shadow' },
        process: { parentExecutable: '/usr/bin/sh' },
        execution: null,
        network: null,
        syscall: null,
        capability: null,
      },
    });
    localSerdes()
      .of('alerts.v1')
      .serialize(record.value as never);
  });

  it('that no process caused names none', () => {
    const request = {
      ...at,
      class: eventClass.ingress,
      op: 1,
      pid: 0,
      verdict: 'DENY' as const,
      transport: 1,
    };
    expect(recordOf(request).value.process).toBeNull();
  });
});

describe('an EVENTS frame', () => {
  const frameOf = (...events: Buffer[]) => {
    const writer = new FieldWriter().u32(events.length);
    for (const event of events) writer.u32(event.length).bytes(event);
    return writer.finish();
  };
  const event = encodeEvent(1, { ...at, class: eventClass.file, op: 1, path: '/x' });

  it('is read event by event', () => {
    const seen: KernelEvent[] = [];
    eachEvent(frameOf(event, encodeEvent(2, { ...at, class: eventClass.process, op: 1 })), each =>
      seen.push(each),
    );
    expect(seen.map(each => each.sequence)).toEqual([1, 2]);
    expect(seen[0]).toMatchObject({ scope: 5, path: '/x', comm: 'nginx', timeNs: 1_000_000 });
  });

  it('that is cut anywhere is an error', () => {
    const frame = frameOf(event);
    for (let length = 0; length < frame.length; length++) {
      expect(() => eachEvent(frame.subarray(0, length), () => {})).toThrow(/end early/);
    }
  });

  it('with a verdict that does not exist is an error', () => {
    const odd = Buffer.from(event);
    odd[74] = 9;
    expect(() => decodeEvent(odd)).toThrow(/event 1 has verdict 9/);
  });
});
