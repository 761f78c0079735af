/** Sockets: by transport, port and address, by every way to name a peer. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Case } from './case.ts';
import { classes, firstLine, outputOf, type Scope, tryOutside } from './sensor.ts';

const denied = { ok: false, output: 'Permission denied' };
const done = { ok: true, output: 'ok' };
const refused = { ok: false, output: 'Connection refused' };
const probe = join(import.meta.dirname, '../build/probe');
const transports = { any: 0, tcp: 1, udp: 2, raw: 6 } as const;

async function server(port: number): Promise<ChildProcess> {
  const child = spawn(probe, ['serve', '127.0.0.1', `${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  equal(await firstLine(child), 'ready');
  return child;
}

async function told(scope: Scope, verdict: string) {
  const events = (await scope.events()).filter(event => event.verdict === verdict);
  return events.map(({ class: of, op, remoteAddress, remotePort, rule }) => ({
    of,
    op,
    to: `${remoteAddress}:${remotePort}`,
    rule,
  }));
}

export const networkCases: readonly Case[] = [
  {
    name: 'connecting is decided by port, then any port, then any transport, then the posture',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'egress', on: [transports.tcp, 7001, '127.0.0.0', 8], direct: 'allow' },
        { class: 'egress', on: [transports.tcp, 0, '127.0.0.2', 32], direct: 'allow' },
        { class: 'egress', on: [transports.any, 0, '127.0.0.3', 32], direct: 'allow' },
        { class: 'egress', on: [transports.tcp, 7002, '127.0.0.3', 32], direct: 'deny' },
        { class: 'egress', direct: 'deny' },
      ]);
      deepEqual(scope.try('connect', '127.0.0.1', '7001'), refused);
      deepEqual(scope.try('connect', '127.0.0.1', '7002'), denied);
      deepEqual(scope.try('connect', '127.0.0.2', '7002'), refused);
      deepEqual(scope.try('connect', '127.0.0.3', '7003'), refused);
      deepEqual(scope.try('connect', '127.0.0.3', '7002'), denied);
      deepEqual(scope.try('connect', '::1', '7001'), denied);
      deepEqual(await told(scope, 'DENY'), [
        { of: classes.egress, op: 1, to: '127.0.0.1:7002', rule: 5 },
        { of: classes.egress, op: 1, to: '127.0.0.3:7002', rule: 4 },
        { of: classes.egress, op: 1, to: '::1:7001', rule: 5 },
      ]);
    },
  },
  {
    name: 'an IPv4 address in IPv6 clothes and the address "any" are what they mean',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'egress', on: [transports.tcp, 0, '127.0.0.1', 32], direct: 'deny' },
        { class: 'egress', on: [transports.tcp, 0, '127.0.0.2', 32], direct: 'audit' },
      ]);
      deepEqual(scope.try('connect', '::ffff:127.0.0.1', '7001'), denied);
      deepEqual(scope.try('connect', '0.0.0.0', '7001'), denied);
      deepEqual(scope.try('connect', '::ffff:127.0.0.2', '7001'), refused);
      deepEqual(
        (await told(scope, 'AUDIT')).map(event => event.to),
        ['127.0.0.2:7001'],
      );
    },
  },
  {
    name: 'sendto, fast open and AF_UNSPEC do not get around a denied peer',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([{ class: 'egress', direct: 'deny' }]);
      deepEqual(scope.try('send', '127.0.0.1', '7001'), denied);
      deepEqual(scope.try('send-unspec', '127.0.0.1', '7001'), denied);
      deepEqual(scope.try('fastopen', '127.0.0.1', '7001'), denied);
      await scope.put([
        { class: 'egress', on: [transports.udp, 7001, '127.0.0.1', 32], direct: 'allow' },
        { class: 'egress', direct: 'deny' },
      ]);
      deepEqual(scope.try('send', '127.0.0.1', '7001'), done);
      deepEqual(scope.try('connect', '127.0.0.1', '7001'), denied);
    },
  },
  {
    name: 'binding is decided by the local port',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'bind', on: [transports.tcp, 7100, '0.0.0.0', 0], direct: 'allow' },
        { class: 'bind', direct: 'deny' },
      ]);
      deepEqual(scope.try('bind', '127.0.0.1', '7100'), done);
      deepEqual(scope.try('bind', '127.0.0.1', '7101'), denied);
    },
  },
  {
    name: 'sockets are decided by transport, and unix and netlink are none of it',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'socket', on: transports.tcp, direct: 'allow' },
        { class: 'socket', direct: 'deny' },
      ]);
      deepEqual(scope.try('socket', 'tcp'), done);
      deepEqual(scope.try('socket', 'udp'), denied);
      deepEqual(scope.try('socket', 'raw'), denied);
      deepEqual(scope.try('socket', 'packet'), denied);
      deepEqual(scope.try('socket', 'unix'), done);
      deepEqual(scope.try('socket', 'netlink'), done);
    },
  },
  {
    name: 'an accepted connection is told with both ends',
    run: async sensor => {
      const scope = await sensor.scope();
      const child = scope.start('serve', '127.0.0.1', '7200');
      const ended = outputOf(child);
      equal(await firstLine(child), 'ready');
      deepEqual(tryOutside('connect', '127.0.0.1', '7200'), done);
      equal(await ended, 'ready\nok');
      const events = await scope.events();
      const accepted = events.filter(event => event.class === classes.ingress);
      equal(accepted.length, 1);
      equal(accepted[0]?.op, 2);
      equal(accepted[0].localPort, 7200);
      equal(accepted[0].localAddress, '127.0.0.1');
      equal(accepted[0].remoteAddress, '127.0.0.1');
      ok(accepted[0].remotePort > 0);
      deepEqual(
        events.filter(event => event.class === classes.bind).map(event => [event.op, event.localPort]),
        [
          [1, 7200],
          [2, 7200],
        ],
      );
    },
  },
  {
    name: 'a connection that ingress denies is not made, and is told',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'ingress', on: [transports.tcp, 7300, '127.0.0.9', 32], direct: 'allow' },
        { class: 'ingress', direct: 'deny' },
      ]);
      const child = scope.start('serve', '127.0.0.1', '7300');
      equal(await firstLine(child), 'ready');
      const client = spawn(probe, ['connect', '127.0.0.1', '7300'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise(resolve => setTimeout(resolve, 500));
      client.kill('SIGKILL');
      child.kill('SIGKILL');
      const [event] = (await scope.events()).filter(event => event.verdict === 'DENY');
      equal(event?.class, classes.ingress);
      equal(event.localPort, 7300);
      equal(event.remoteAddress, '127.0.0.1');
      equal(event.rule, 2);
    },
  },
  {
    name: 'what is not in a scope connects unhindered and untold',
    run: async sensor => {
      const child = await server(7400);
      const before = sensor.events.length;
      deepEqual(tryOutside('connect', '127.0.0.1', '7400'), done);
      await outputOf(child);
      await sensor.stats();
      equal(sensor.events.length, before);
    },
  },
];
