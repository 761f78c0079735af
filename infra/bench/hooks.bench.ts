/** What the enforcer's hooks cost an open and close, as ratios to a kernel without them. Emulated: ratios, not times. */

import { join } from 'node:path';
import process from 'node:process';
import { runInGuest } from '#guest';

const script = join(import.meta.dirname, 'hooks-in-guest.ts');
const { exitCode, output } = await runInGuest({ command: `node ${script}`, timeoutMs: 300_000 });
const last = output.trim().split('\n').at(-1) ?? '';
if (exitCode !== 0 || !last.startsWith('{')) {
  process.stderr.write(`hooks: the guest's part failed (${exitCode}):\n${output}\n`);
  process.exit(1);
}
const { ns, events, ringFull } = JSON.parse(last) as {
  ns: Record<string, number>;
  events: number;
  ringFull: number;
};
const unattached = Math.min(ns.unattached!, ns.unattachedAgain!);
const ratios = Object.fromEntries(
  Object.entries(ns).map(([name, value]) => [name, Math.round((100 * value) / unattached) / 100]),
);
for (const [name, ratio] of Object.entries(ratios)) {
  process.stdout.write(`${name.padEnd(28)} ${ratio.toFixed(2)}x  ${ns[name]} ns\n`);
}
console.log(JSON.stringify({ bench: 'hooks', ratios, ns, events, ringFull }));
