/** Swaps, loss, death and return. */

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './case.ts';
import { folder, loaderProgram, outputOf, Sensor } from './sensor.ts';

const denied = { ok: false, output: 'Permission denied' };

/** The loader of a sensor: its child whose arguments name the pins. */
function loaderPid(pins: string): number {
  const { stdout } = spawnSync('pgrep', ['-f', `sluice-loader --pins ${pins} `], { encoding: 'utf8' });
  return Number(stdout.trim().split('\n')[0]);
}

export const lifeCases: readonly Case[] = [
  {
    name: 'a swap is seen whole or not at all',
    run: async sensor => {
      const at = folder();
      for (const name of ['a', 'b']) writeFileSync(join(at, name), '');
      const scope = await sensor.scope({ report: false });
      const rules = (a: 'allow' | 'deny', b: 'allow' | 'deny') =>
        [
          { class: 'file', on: '/', direct: 'allow' },
          { class: 'file', on: join(at, 'a'), direct: a },
          { class: 'file', on: join(at, 'b'), direct: b },
          { class: 'file', direct: 'deny' },
        ] as const;
      // Reads a, b, a: with either table at each moment, "both open" and "none open" cannot be unless a swap lies between.
      await scope.put(rules('allow', 'deny'));
      const watching = outputOf(scope.start('watch', '6', join(at, 'a'), join(at, 'b'), '/etc/hostname'));
      for (let i = 0; i < 60; i++) {
        await scope.put(i % 2 ? rules('allow', 'deny') : rules('deny', 'allow'));
      }
      const seen = new Map(
        (await watching).split('\n').map(line => [line.split(' ')[0]!, Number(line.split(' ')[1])]),
      );
      // The third is allowed by both tables: it is never denied, so there is never an empty or half-filled table.
      ok(![...seen.keys()].some(letters => letters.endsWith('x')), JSON.stringify([...seen]));
      ok((seen.get('oxo') ?? 0) > 0 && (seen.get('xoo') ?? 0) > 0, JSON.stringify([...seen]));
      const between = (seen.get('ooo') ?? 0) + (seen.get('xxo') ?? 0);
      ok(between <= 60, JSON.stringify([...seen]));
    },
  },
  {
    name: 'a request that cannot take effect changes nothing and says why',
    run: async sensor => {
      const scope = await sensor.scope();
      await scope.put([{ class: 'file', on: '/etc/hostname', direct: 'deny' }]);
      const twice = { class: 'file', on: '/etc/hostname', direct: 'allow' } as const;
      await rejects(scope.put([twice, twice]), /same key/);
      await rejects(scope.put([{ class: 'socket', on: [1, 2, '10.0.0.0', 8], direct: 'deny' }]), /one byte/);
      await rejects(sensor.put(999_999_999, []), /no such scope/);
      deepEqual(scope.try('open', '/etc/hostname', 'r'), denied);
      const [listed] = (await sensor.list()).scopes.filter(each => each.cgroupId === scope.cgroupId);
      equal(listed?.entryCount, 1);
    },
  },
  {
    name: 'when the ring is full every number is counted, and a denial stays a denial',
    run: async () => {
      const pins = '/sys/fs/bpf/small';
      const sensor = new Sensor({ pins, ringBytes: 1 << 16 });
      try {
        await sensor.start();
        const scope = await sensor.scope();
        await scope.put([{ class: 'file', on: '/etc/hostname', direct: 'deny' }]);
        process.kill(loaderPid(pins), 'SIGSTOP');
        ok(scope.try('open-often', '2000', '/etc/passwd').ok);
        deepEqual(scope.try('open', '/etc/hostname', 'r'), denied);
        process.kill(loaderPid(pins), 'SIGCONT');
        const stats = await sensor.stats();
        const numbers = new Set(sensor.events.map(event => event.sequence));
        equal(numbers.size, sensor.events.length);
        ok(stats.ringFull > 0, JSON.stringify(stats));
        ok(stats.sequence >= 2000);
        equal(numbers.size + stats.ringFull, stats.sequence);
        equal(stats.counters.emitted, stats.sequence);
      } finally {
        await sensor.stop();
        sensor.remove();
      }
    },
  },
  {
    name: 'a loader killed with -9 leaves everything in force, and the next one goes on from there',
    run: async () => {
      const pins = '/sys/fs/bpf/killed';
      const first = new Sensor({ pins });
      const second = new Sensor({ pins });
      try {
        equal((await first.start()).adopted, false);
        const scope = await first.scope();
        await scope.put([{ class: 'file', on: '/etc/hostname', direct: 'deny' }]);
        deepEqual(scope.try('open', '/etc/hostname', 'r'), denied);
        const before = await first.stats();
        process.kill(loaderPid(pins), 'SIGKILL');
        first.loader.close(0).catch(() => {});
        await new Promise(resolve => setTimeout(resolve, 300));
        deepEqual(scope.try('open', '/etc/hostname', 'r'), denied);
        const ready = await second.start();
        equal(ready.adopted, true);
        ok(ready.sequence > before.sequence);
        equal(ready.bootId, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
        const stats = await second.stats();
        const numbers = second.events.map(event => event.sequence).sort((a, b) => a - b);
        equal(numbers[0], before.sequence + 1);
        equal(numbers.length, stats.sequence - before.sequence);
        const [listed] = (await second.list()).scopes;
        equal(listed?.cgroupId, scope.cgroupId);
        equal(listed.generation, 7);
        deepEqual(listed.token, Buffer.alloc(32, 1));
        deepEqual(listed.names, [
          { rule: 1, policyId: 'test/policy', ruleId: 'rule 1', generation: 101, severity: 5 },
        ]);
        const told = second.events.filter(event => event.verdict === 'DENY');
        deepEqual(
          told.map(event => [event.ruleset, event.rule]),
          [[listed.ruleset, 1]],
        );
      } finally {
        await first.stop();
        await second.stop();
        first.remove();
      }
    },
  },
  {
    name: 'a second loader on the same pins is turned away, and --remove ends enforcement',
    run: async () => {
      const pins = '/sys/fs/bpf/single';
      const sensor = new Sensor({ pins });
      await sensor.start();
      const scope = await sensor.scope();
      await scope.put([{ class: 'file', on: '/etc/hostname', direct: 'deny' }]);
      equal(spawnSync(loaderProgram, ['--pins', pins]).status, 6);
      equal(spawnSync(loaderProgram, ['--pins', pins, '--remove']).status, 6);
      await sensor.stop();
      equal(spawnSync(loaderProgram, ['--pins', pins], { input: '\0\0\0\0' }).status, 7);
      equal(spawnSync(loaderProgram, ['--pins', pins], { input: '' }).status, 0);
      deepEqual(scope.try('open', '/etc/hostname', 'r'), denied);
      equal(spawnSync(loaderProgram, ['--pins', pins, '--remove']).status, 0);
      // Links go when the kernel gets to it.
      await new Promise(resolve => setTimeout(resolve, 500));
      ok(scope.try('open', '/etc/hostname', 'r').ok);
    },
  },
  {
    name: 'the loader keeps CAP_BPF and CAP_PERFMON and nothing else',
    run: async () => {
      const status = readFileSync(`/proc/${loaderPid('/sys/fs/bpf/test')}/status`, 'utf8');
      const [bpf, perfmon] = [39n, 38n];
      const kept = ((1n << bpf) | (1n << perfmon)).toString(16).padStart(16, '0');
      for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
        equal(new RegExp(`${set}:\\t(\\w+)`).exec(status)?.[1], kept);
      ok(/NoNewPrivs:\t1/.test(status));
    },
  },
  {
    name: 'bad usage and a folder that is no bpffs each have their exit code',
    run: async () => {
      const run = (...args: string[]) => spawnSync(loaderProgram, args).status;
      equal(run('--nonsense'), 2);
      equal(run('--ring-bytes', '5000'), 2);
      equal(run('--pins', '/run/nowhere'), 2);
    },
  },
];
