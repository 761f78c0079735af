/** The figures of docs/sysflow.md, on the captures they are of: SLUICE_SYSFLOW names the folder that holds them. */

import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';
import { knownEmitters } from '../pipelines/discovery/index.ts';
import { simulate } from '../pipelines/verify/simulate/index.ts';
import { discoverInputs } from './discover-inputs.ts';

const folder = process.env.SLUICE_SYSFLOW;
const file = (name: string) => join(folder!, `${name}.sf`);

async function learned(name: string): Promise<AnyPolicyObject[]> {
  const { policies } = await discoverInputs({ from: [file(name)], emit: knownEmitters });
  return policies.flatMap(({ documents }) =>
    documents.map(({ content }) => parseAnyPolicy(JSON.parse(content), name)),
  );
}

/** How much of one capture the policies of another admit. */
async function coverage(from: string, of: string) {
  const recording = { from: [file(of)] };
  const { judged, accesses, denied } = await simulate({ policies: await learned(from), recording });
  const events = denied.reduce((sum, { count }) => sum + count, 0);
  return {
    events: [judged - events, judged],
    accesses: [accesses - denied.length, accesses],
    denied: denied.map(({ access }) => access.object),
  };
}

const full = 'mpm-event-full_capture';
const cold = 'mpm-event-cold_start_capture';

describe.skipIf(folder === undefined)('captures of SysFlow (skipped: SLUICE_SYSFLOW names no folder)', () => {
  it.each([full, cold, 'nginx-nginx', 'client-server-tcp-client-server'])(
    'are admitted by what was learned of them: %s',
    async name => {
      const { events, denied } = await coverage(name, name);
      expect(denied).toEqual([]);
      expect(events[0]).toBeGreaterThan(0);
    },
  );

  it('from a start admit one without', async () => {
    expect(await coverage(full, cold)).toEqual({ events: [100, 100], accesses: [2, 2], denied: [] });
  });

  it('without a start miss what a start does, and nothing else', async () => {
    const { events, accesses, denied } = await coverage(cold, full);
    expect({ events, accesses }).toEqual({ events: [106, 4428], accesses: [6, 63] });
    expect(denied).toContain('/usr/local/apache2/logs/httpd.pid');
    expect(denied).not.toContain('/usr/local/apache2/htdocs/index.html');
  });
});
