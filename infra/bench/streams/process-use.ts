/** What a process has used, as Linux says under /proc. Parsing is pure; reading may find the process gone. */

import { readFile } from 'node:fs/promises';
import { SluiceError } from '#errors';

/** Ticks of `/proc/<pid>/stat` a second: fixed in the kernel's interface to programs. */
const ticksPerSecond = 100;

/** Peak resident memory, out of `/proc/<pid>/status`. */
export function parsePeakBytes(status: string): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(status);
  if (!match) throw new SluiceError('BUG', 'a /proc/<pid>/status without VmHWM: has the process ended?');
  return Number(match[1]) * 1024;
}

/** User and system time, out of `/proc/<pid>/stat`. The program's name, in parentheses, may hold anything. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** All processors together, out of `/proc/stat`: seconds not idle since the machine started. */
export function parseBusySeconds(stat: string): number {
  const [user, nice, system, , , irq, softIrq, steal] = stat
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softIrq! + steal!) / ticksPerSecond;
}

const read = (path: string) => readFile(path, 'utf8');

export const peakBytesOf = async (pid: number) => parsePeakBytes(await read(`/proc/${pid}/status`));
export const cpuSecondsOf = async (pid: number) => parseCpuSeconds(await read(`/proc/${pid}/stat`));
export const busySeconds = async () => parseBusySeconds(await read('/proc/stat'));
