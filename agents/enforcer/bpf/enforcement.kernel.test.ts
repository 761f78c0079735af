/** The kernel part in a guest: test/run-cases.ts tries every case there, and each is a test here. */

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runInGuest } from '#guest';
import { cases } from './test/cases.ts';

interface Report {
  readonly name?: string;
  readonly error?: string;
}

const reports = new Map<string, Report>();
let output = '';

beforeAll(async () => {
  const script = join(import.meta.dirname, 'test/run-cases.ts');
  const run = await runInGuest({
    command: `node ${script}`,
    timeoutMs: 380_000,
    onNote: text => console.warn(text),
  });
  output = run.output;
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const report = JSON.parse(line) as Report;
    if (report.name) reports.set(report.name, report);
  }
});

describe('in the guest', () => {
  for (const { name } of cases) {
    it(name, () => {
      expect(reports.get(name) ?? { error: `was not tried:\n${output.slice(-3000)}` }).toMatchObject({
        error: '',
      });
    });
  }
});
