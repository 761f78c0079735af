/** Runs in the guest: what one open and close takes with no programs, with programs, in a scope, under rules. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sensor, type TestRule, tryOutside } from '../../agents/enforcer/bpf/test/sensor.ts';

const rounds = '15';
const times = '2000';
const operation = (path: string) => ['time-open', rounds, times, path] as const;
const sensor = new Sensor({ pins: '/sys/fs/bpf/bench' });
const folder = '/dev/shm/bench/some/place';
const path = join(folder, 'file');

function rules(count: number): TestRule[] {
  return [
    ...Array.from({ length: count - 1 }, (_, i): TestRule => {
      return { class: 'file', on: `/opt/service-${i % 37}/part-${i}/data/`, direct: 'allow' };
    }),
    { class: 'file', on: `${folder}/`, direct: 'allow' },
    { class: 'file', direct: 'deny' },
  ];
}

function nsOf({ ok, output }: { ok: boolean; output: string }): number {
  if (!ok) throw new Error(`the probe failed: ${output}`);
  return Number(output);
}

mkdirSync(folder, { recursive: true });
writeFileSync(path, '');
const ns: Record<string, number> = {};
tryOutside(...operation(path));
ns.unattached = nsOf(tryOutside(...operation(path)));
await sensor.start();
ns.attachedUnguarded = nsOf(tryOutside(...operation(path)));
for (const count of [10, 100, 1000]) {
  const quiet = await sensor.scope({ report: false });
  await quiet.put(rules(count));
  ns[`enforced${count}Rules`] = nsOf(quiet.try(...operation(path)));
}
const told = await sensor.scope();
ns.observed = nsOf(told.try(...operation(path)));
await told.put(rules(1000));
ns.observedEnforced1000Rules = nsOf(told.try(...operation(path)));
const { sequence, ringFull } = await sensor.stats();
await sensor.stop();
sensor.remove();
// Links go when the kernel gets to it.
spawnSync('sleep', ['1']);
ns.unattachedAgain = nsOf(tryOutside(...operation(path)));
console.log(JSON.stringify({ ns, events: sequence, ringFull }));
