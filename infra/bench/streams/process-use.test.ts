import process from 'node:process';
import { expect, test } from 'vitest';
import {
  cpuSecondsOf,
  parseBusySeconds,
  parseCpuSeconds,
  parsePeakBytes,
  peakBytesOf,
} from './process-use.ts';

test('reads the peak of resident memory', () => {
  expect(parsePeakBytes('Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t  123456 kB\nVmRSS:\t 1 kB\n')).toBe(
    123_456 * 1024,
  );
  expect(() => parsePeakBytes('Name:\tnode\nState:\tZ (zombie)\n')).toThrow(/has the process ended/);
});

test('reads user and system time behind a name with spaces and parentheses', () => {
  const stat = '7 (a (b) c) S 1 7 7 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 12 0 100 200 300';
  expect(parseCpuSeconds(stat)).toBe(2);
});

test('the machine is busy with all but idling and waiting for disks', () => {
  expect(parseBusySeconds('cpu  100 200 300 9999 8888 10 20 70 0 0\ncpu0 1 2 3\n')).toBe(7);
});

test('this process has used some of both', async () => {
  expect(await peakBytesOf(process.pid)).toBeGreaterThan(1e6);
  expect(await cpuSecondsOf(process.pid)).toBeGreaterThan(0);
});
