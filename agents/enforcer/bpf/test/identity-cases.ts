/** Whose rules hold: by cgroup, whatever a process does to its namespaces; and the runtime's way in. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './case.ts';
import { classes, folder, type Scope, type Sensor, tryOutside } from './sensor.ts';

const denied = { ok: false, output: 'Permission denied' };
const done = { ok: true, output: 'ok' };
const probe = join(import.meta.dirname, '../build/probe');

async function scopeWithSecret(sensor: Sensor): Promise<{ scope: Scope; secret: string; at: string }> {
  const at = folder();
  const secret = join(at, 'secret');
  writeFileSync(secret, 'text');
  const scope = await sensor.scope();
  await scope.put([
    { class: 'file', on: '/', direct: 'allow' },
    { class: 'file', on: secret, direct: 'deny' },
    { class: 'file', direct: 'deny' },
  ]);
  return { scope, secret, at };
}

export const identityCases: readonly Case[] = [
  {
    name: 'a scope holds for cgroups below it, and nothing outside',
    run: async sensor => {
      const { scope, secret } = await scopeWithSecret(sensor);
      deepEqual(scope.try('open', secret, 'r'), denied);
      deepEqual(tryOutside('open', secret, 'r'), done);
      deepEqual(scope.try('open-nested', scope.path, '1', secret), denied);
    },
  },
  {
    name: 'the deepest scope decides',
    run: async sensor => {
      const { scope, secret } = await scopeWithSecret(sensor);
      const inner = await sensor.scope({ under: scope.path });
      deepEqual(inner.try('open', secret, 'r'), done);
      const events = (await inner.events()).filter(event => event.class === classes.file);
      deepEqual(
        events.map(event => event.path),
        [secret],
      );
    },
  },
  {
    name: 'nesting 40 cgroups does not lead out of a scope',
    run: async sensor => {
      const { scope, secret } = await scopeWithSecret(sensor);
      deepEqual(scope.try('open-nested', scope.path, '40', secret), denied);
    },
  },
  {
    name: 'new mount, user, pid and cgroup namespaces do not lead out of a scope',
    run: async sensor => {
      const { scope, secret } = await scopeWithSecret(sensor);
      deepEqual(scope.try('open-unshare', 'new-mounts', secret), denied);
      deepEqual(scope.try('open-unshare', 'new-namespaces', secret), denied);
    },
  },
  {
    name: 'chroot gives a file no other path',
    run: async sensor => {
      const { scope, secret, at } = await scopeWithSecret(sensor);
      deepEqual(scope.try('open-chroot', at, '/secret'), denied);
      const [event] = (await scope.events()).filter(event => event.verdict === 'DENY');
      equal(event?.path, secret);
    },
  },
  {
    name: 'a detached copy of a mount gives a file no other path',
    run: async sensor => {
      const at = folder();
      writeFileSync(join(at, 'secret'), '');
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/', direct: 'allow' },
        { class: 'file', on: `${at}/`, direct: 'allow', deep: 'deny' },
        { class: 'file', direct: 'deny' },
      ]);
      deepEqual(scope.try('open-detached', at, 'secret'), denied);
      const [event] = (await scope.events()).filter(event => event.verdict === 'DENY');
      equal(event?.rule, 3);
      equal(event.flags & 1, 1);
    },
  },
  {
    name: 'mounting can be denied',
    run: async sensor => {
      const at = folder();
      mkdirSync(join(at, 'to'));
      const scope = await sensor.scope();
      deepEqual(scope.try('mount', '/etc', join(at, 'to')), done);
      await scope.put([{ class: 'syscall', on: 2, direct: 'deny' }]);
      deepEqual(scope.try('mount', '/etc', join(at, 'to')), denied);
      const events = (await scope.events()).filter(
        event => event.class === classes.syscall && event.op === 2,
      );
      deepEqual(
        events.map(({ path, target, verdict }) => ({ path, target, verdict })),
        [
          { path: `${at}/to/`, target: '/etc', verdict: 'ALLOW' },
          { path: `${at}/to/`, target: '/etc', verdict: 'DENY' },
        ],
      );
    },
  },
  {
    name: 'under a posture for files nothing is mounted, unless a rule admits it',
    run: async sensor => {
      const at = folder();
      mkdirSync(join(at, 'to'));
      const scope = await sensor.scope();
      const files = [
        { class: 'file', on: '/', direct: 'allow' },
        { class: 'file', direct: 'deny' },
      ] as const;
      await scope.put(files);
      deepEqual(scope.try('mount', '/etc', join(at, 'to')), denied);
      const [event] = (await scope.events()).filter(event => event.verdict === 'DENY');
      deepEqual([event?.class, event?.op, event?.rule], [classes.syscall, 2, 2]);
      await scope.put([...files, { class: 'syscall', on: 2, direct: 'allow' }]);
      deepEqual(scope.try('mount', '/etc', join(at, 'to')), done);
    },
  },
  {
    name: 'ptrace of another process is denied and names the tracee',
    run: async sensor => {
      const scope = await sensor.scope();
      deepEqual(scope.try('ptrace', `${process.pid}`), done);
      await scope.put([{ class: 'syscall', on: 1, direct: 'deny' }]);
      deepEqual(scope.try('ptrace', `${process.pid}`), denied);
      deepEqual(scope.try('traceme'), denied);
      const told = (await scope.events()).filter(event => event.verdict === 'DENY');
      deepEqual(
        told.map(event => event.op),
        [1, 1],
      );
      ok(told[0]!.path.includes('node'), told[0]!.path);
    },
  },
  {
    name: 'the runtime’s own files are neither ruled nor told, its exec into the container is both',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', direct: 'deny' },
        { class: 'process', on: probe, direct: 'allow' },
        { class: 'process', direct: 'deny' },
      ]);
      deepEqual(scope.try('say', 'in'), { ok: true, output: 'in' });
      deepEqual(scope.run('/bin/busybox', 'true').output, 'Permission denied');
      const events = await scope.events();
      deepEqual(
        events.map(({ class: of, verdict, flags }) => ({ of, verdict, exempt: (flags & 16) !== 0 })),
        [
          { of: classes.process, verdict: 'ALLOW', exempt: true },
          { of: classes.process, verdict: 'DENY', exempt: true },
        ],
      );
    },
  },
  {
    name: 'a runtime led to execute its own leaked file inside the container is exempt no more',
    run: async sensor => {
      const { scope, secret } = await scopeWithSecret(sensor);
      deepEqual(scope.tryLeaked('open', secret, 'r'), denied);
      await scope.put([
        { class: 'process', on: '/', direct: 'allow' },
        { class: 'process', direct: 'deny' },
      ]);
      deepEqual(scope.tryLeaked('say', 'ran'), denied);
    },
  },
  {
    name: 'in a host scope the first exec ends the exemption though it is the host’s file',
    run: async sensor => {
      const at = folder();
      writeFileSync(join(at, 'secret'), '');
      const scope = await sensor.scope({ host: true });
      await scope.put([{ class: 'file', on: join(at, 'secret'), direct: 'deny' }]);
      deepEqual(scope.try('open', join(at, 'secret'), 'r'), denied);
    },
  },
  {
    name: 'a scope without the report flag tells only what is audited or denied',
    run: async sensor => {
      const at = folder();
      writeFileSync(join(at, 'secret'), '');
      const scope = await sensor.scope({ report: false });
      await scope.put([{ class: 'file', on: join(at, 'secret'), direct: 'deny' }]);
      deepEqual(scope.try('open', '/etc/hostname', 'r'), done);
      deepEqual(scope.try('open', join(at, 'secret'), 'r'), denied);
      deepEqual(
        (await scope.events()).map(event => event.verdict),
        ['DENY'],
      );
    },
  },
];
