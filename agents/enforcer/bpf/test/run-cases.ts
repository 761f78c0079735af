/** Runs in the guest: each case once, one line of JSON per case. Arguments: parts of names to run only those. */

import { cases } from './cases.ts';
import { Sensor } from './sensor.ts';

const wanted = process.argv.slice(2);
const sensor = new Sensor({ pins: '/sys/fs/bpf/test' });
const ready = await sensor.start();
console.log(JSON.stringify({ ready }));
for (const { name, run } of cases) {
  if (wanted.length > 0 && !wanted.some(part => name.includes(part))) continue;
  const beginMs = performance.now();
  const error = await run(sensor).then(
    () => '',
    (cause: Error) => cause.stack ?? cause.message,
  );
  console.log(JSON.stringify({ name, error, ms: Math.round(performance.now() - beginMs) }));
}
const { counters } = await sensor.stats();
console.log(JSON.stringify({ counters }));
await sensor.stop();
sensor.remove();
