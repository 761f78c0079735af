/** Executing and files: which rule decides, and what must not get around it. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Case } from './case.ts';
import {
  classes,
  folder,
  outputOf,
  type Scope,
  type Sensor,
  startOutside,
  type TestRule,
  tryOutside,
} from './sensor.ts';

const denied = { ok: false, output: 'Permission denied' };
const done = { ok: true, output: 'ok' };
const probe = join(import.meta.dirname, '../build/probe');

/** A folder with files, whose rules are given relative to it. Everything else is allowed. */
async function guarded(sensor: Sensor, files: string[], rules: (at: string) => TestRule[]) {
  const at = folder();
  for (const file of files) {
    mkdirSync(join(at, file, '..'), { recursive: true });
    writeFileSync(join(at, file), 'text');
  }
  const scope = await sensor.scope();
  await scope.put([...rules(at), { class: 'file', on: '/', direct: 'allow', deep: 'allow' }]);
  return { at, scope };
}

async function denials(scope: Scope) {
  return (await scope.events()).filter(event => event.verdict === 'DENY');
}

export const fileCases: readonly Case[] = [
  {
    name: 'an exec that a rule denies fails with EACCES and names its rule',
    run: async sensor => {
      const busybox = realpathSync('/bin/busybox');
      const scope = await sensor.scope();
      await scope.put([{ class: 'process', on: busybox, direct: 'deny' }]);
      deepEqual(scope.try('exec', busybox, 'true'), denied);
      const [event, ...more] = await denials(scope);
      equal(more.length, 0);
      deepEqual([event?.class, event?.op, event?.path, event?.rule], [classes.process, 1, busybox, 1]);
      equal(event?.executable, probe);
    },
  },
  {
    name: 'a denial carries rule set, rule, generation, executable and parent',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['secret'], at => [
        { class: 'file', on: join(at, 'secret'), direct: 'deny' },
      ]);
      deepEqual(scope.try('open', join(at, 'secret'), 'r'), denied);
      const [event, ...more] = await denials(scope);
      equal(more.length, 0);
      equal(event?.class, classes.file);
      equal(event.op, 1);
      equal(event.path, join(at, 'secret'));
      equal(event.rule, 1);
      equal(event.generation, 101);
      equal(event.executable, probe);
      ok(event.parent.includes('node'), event.parent);
      ok(event.ruleset > 0 && event.pid > 1 && event.timeNs > 0);
      equal(event.comm, 'probe');
    },
  },
  {
    name: 'what a process reads of itself under /proc is its own in every run, and of no other process',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/proc/self/status', direct: 'allow' },
        { class: 'file', on: '/proc/1/comm', direct: 'allow' },
        { class: 'file', on: '/proc/', direct: 'deny', deep: 'deny' },
        { class: 'file', on: '/', direct: 'allow', deep: 'allow' },
      ]);
      deepEqual(scope.try('open', '/proc/self/status', 'r'), done);
      deepEqual(scope.try('open', '/proc/thread-self/../../status', 'r'), done);
      deepEqual(scope.try('open', '/proc/self/stat', 'r'), denied);
      deepEqual(scope.try('open', `/proc/${process.pid}/status`, 'r'), denied);
      deepEqual(scope.try('open', '/proc/1/comm', 'r'), done);
      const paths = (await denials(scope)).map(event => event.path);
      deepEqual(paths, ['/proc/self/stat', `/proc/${process.pid}/status`]);
    },
  },
  {
    name: 'under a posture everything that no rule names is denied, and the rest is allowed',
    run: async sensor => {
      const at = folder();
      writeFileSync(join(at, 'open'), '');
      writeFileSync(join(at, 'other'), '');
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: join(at, 'open'), direct: 'allow' },
        { class: 'file', direct: 'deny' },
        { class: 'process', on: probe, direct: 'allow' },
        { class: 'process', direct: 'deny' },
      ]);
      deepEqual(scope.try('open', join(at, 'open'), 'r'), done);
      deepEqual(scope.try('open', join(at, 'other'), 'r'), denied);
      equal(scope.run('/bin/busybox', 'true').output, 'Permission denied');
      deepEqual(
        (await denials(scope)).map(event => event.rule),
        [2, 4],
      );
    },
  },
  {
    name: 'audit lets through and tells',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['seen'], at => [
        { class: 'file', on: join(at, 'seen'), direct: 'audit' },
      ]);
      deepEqual(scope.try('open', join(at, 'seen'), 'r'), done);
      const audited = (await scope.events()).filter(event => event.verdict === 'AUDIT');
      deepEqual(
        audited.map(({ path, rule, generation }) => ({ path, rule, generation })),
        [{ path: join(at, 'seen'), rule: 1, generation: 101 }],
      );
    },
  },
  {
    name: 'a directory rule holds directly or deeper, and the longest prefix decides',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['d/a', 'd/e/b', 'd/e/f/c', 'd/e/f/g/h'], at => [
        { class: 'file', on: `${at}/d/`, direct: 'deny', deep: 'allow' },
        { class: 'file', on: `${at}/d/e/f/`, direct: 'allow', deep: 'deny' },
        { class: 'file', on: `${at}/d/e/f/g/h`, direct: 'allow' },
      ]);
      deepEqual(scope.try('open', `${at}/d/a`, 'r'), denied);
      deepEqual(scope.try('open', `${at}/d/e/b`, 'r'), done);
      deepEqual(scope.try('open', `${at}/d/e/f/c`, 'r'), done);
      deepEqual(scope.try('open', `${at}/d/e/f/g/h`, 'r'), done);
      deepEqual(scope.try('open', `${at}/d/e/f/g/i`, 'wc'), denied);
      deepEqual(scope.try('open', `${at}/d`, 'rd'), denied);
      deepEqual(scope.try('open', `${at}/d/e`, 'rd'), denied);
    },
  },
  {
    name: 'what may be read only cannot be written, emptied, renamed, linked, removed or given away',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['file', 'free'], at => [
        { class: 'file', on: `${at}/file`, direct: 'allow', write: 'deny' },
      ]);
      const file = `${at}/file`;
      deepEqual(scope.try('open', file, 'r'), done);
      for (const how of ['w', 'a', 't']) deepEqual(scope.try('open', file, how), denied, how);
      deepEqual(scope.try('truncate', file), denied);
      deepEqual(scope.try('rename', file, `${at}/other`), denied);
      deepEqual(scope.try('rename', `${at}/free`, file), denied);
      deepEqual(scope.try('link', file, `${at}/other`), denied);
      deepEqual(scope.try('unlink', file), denied);
      deepEqual(scope.try('chmod', file), denied);
      deepEqual(scope.try('chown', file), denied);
      const operations = (await denials(scope)).map(event => event.op);
      deepEqual(operations, [1, 1, 1, 3, 5, 5, 6, 4, 11, 12]);
    },
  },
  {
    name: 'under a posture nothing is created, made or removed',
    run: async sensor => {
      const at = folder();
      mkdirSync(join(at, 'd'));
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: `${at}/allowed/`, direct: 'allow' },
        { class: 'file', direct: 'deny' },
      ]);
      deepEqual(scope.try('open', `${at}/new`, 'wc'), denied);
      deepEqual(scope.try('open-tmpfile', '/dev/shm'), denied);
      deepEqual(scope.try('mkdir', `${at}/new`), denied);
      deepEqual(scope.try('rmdir', `${at}/d`), denied);
      deepEqual(scope.try('mknod', `${at}/new`), denied);
      deepEqual(scope.try('symlink', 'anything', `${at}/new`), denied);
      deepEqual(scope.try('mkdir', `${at}/allowed`), done);
      deepEqual(scope.try('open', `${at}/allowed/new`, 'wc'), done);
      deepEqual(tryOutside('open', `${at}/new`, 'r').output, 'No such file or directory');
    },
  },
  {
    name: 'a rename names both paths',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['one'], () => []);
      deepEqual(scope.try('rename', `${at}/one`, `${at}/two`), done);
      const renames = (await scope.events()).filter(event => event.class === classes.file && event.op === 5);
      deepEqual(
        renames.map(({ path, target, verdict }) => ({ path, target, verdict })),
        [{ path: `${at}/one`, target: `${at}/two`, verdict: 'ALLOW' }],
      );
    },
  },
  {
    name: 'a file on an overlay is opened once, not twice',
    run: async sensor => {
      const scope = await sensor.scope();
      deepEqual(scope.try('open', '/etc/hostname', 'r'), done);
      const opens = (await scope.events()).filter(event => event.class === classes.file);
      deepEqual(
        opens.map(({ path, access, verdict, rule }) => ({ path, access, verdict, rule })),
        [{ path: '/etc/hostname', access: 1, verdict: 'ALLOW', rule: 0 }],
      );
    },
  },
  {
    name: 'a file that the overlay copies up is one open for writing',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/etc/issue', direct: 'allow' },
        { class: 'file', direct: 'deny' },
      ]);
      deepEqual(scope.try('open', '/etc/issue', 'w'), done);
      equal((await denials(scope)).length, 0);
    },
  },
  {
    name: 'paths beyond the key’s 253 bytes are ruled by their directories and told whole',
    run: async sensor => {
      const at = folder();
      const path = tryOutside('make-deep', at, '4', '100').output;
      ok(path.length > 400);
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/', direct: 'allow' },
        { class: 'file', on: `${at}/`, direct: 'allow', deep: 'deny' },
      ]);
      deepEqual(scope.try('open', path, 'r'), denied);
      equal((await denials(scope))[0]?.path, path);
    },
  },
  {
    name: 'a path of 60 levels is resolved whole',
    run: async sensor => {
      const at = folder();
      const path = tryOutside('make-deep', at, '60', '3').output;
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/', direct: 'deny', deep: 'deny' },
        { class: 'file', on: `${at}/`, direct: 'allow', deep: 'allow' },
      ]);
      deepEqual(scope.try('open', path, 'r'), done);
      const events = await scope.events();
      ok(events.some(event => event.path === path && event.flags === 0));
    },
  },
  {
    name: 'a path too long to be known falls to the posture',
    run: async sensor => {
      const at = folder();
      tryOutside('make-deep', at, '25', '200');
      const scope = await sensor.scope();
      await scope.put([
        { class: 'file', on: '/', direct: 'allow' },
        { class: 'file', direct: 'deny' },
      ]);
      deepEqual(scope.try('open-deep', at, '25', '200'), denied);
      const [event] = await denials(scope);
      equal(event?.rule, 2);
      equal(event.flags & 1, 1);
    },
  },
  {
    name: 'without a posture a path too long to be known passes, marked',
    run: async sensor => {
      const at = folder();
      tryOutside('make-deep', at, '25', '200');
      const scope = await sensor.scope();
      await scope.put([{ class: 'file', on: '/etc/', direct: 'deny' }]);
      deepEqual(scope.try('open-deep', at, '25', '200'), done);
      ok((await scope.events()).some(event => event.flags & 1));
    },
  },
  {
    name: 'what exists in memory only is not executed under a posture',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([
        { class: 'process', on: '/', direct: 'allow' },
        { class: 'process', direct: 'deny' },
      ]);
      deepEqual(scope.try('exec-memory', probe), denied);
      const [event] = await denials(scope);
      equal(event?.rule, 2);
      equal(event.flags & 1, 1);
    },
  },
  {
    name: 'directories renamed all the time neither hinder a path nor make it pass for another',
    run: async sensor => {
      const { at, scope } = await guarded(sensor, ['still/yes', 'no/x/down/f', 'z/deep/g'], at => [
        { class: 'file', on: `${at}/no/`, direct: 'deny', deep: 'deny' },
        { class: 'file', direct: 'deny' },
      ]);
      const storms = [
        scope.start('rename-often', '7', `${at}/z`, `${at}/y`),
        startOutside('rename-often', '7', `${at}/no/x`, `${at}/no/y`),
      ];
      const [still, moving] = await Promise.all([
        outputOf(scope.start('watch', '5', `${at}/still/yes`)),
        outputOf(scope.start('watch', '5', `${at}/no/x/down/f`, `${at}/no/y/down/f`)),
        ...storms.map(outputOf),
      ]);
      ok(/^o \d+$/.test(still!), still);
      ok(/^xx \d+$/.test(moving!), moving);
    },
  },
];
