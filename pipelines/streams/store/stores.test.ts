import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { benchOf, keyValueContract, type StoreCase } from './store.contract.ts';
import { timelineContract } from './timeline.contract.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-stores-'));
afterAll(() => rmSync(root, { recursive: true }));

const inMemory: StoreCase['open'] = (spec, environment) => benchOf(spec.open(environment));
const onDisk: StoreCase['open'] = (spec, environment) => {
  const directory = mkdtempSync(join(root, 'store-'));
  const disk = { directory, identity: 'app/0_0/s', owner: {}, nowMs: () => 0, warn() {} };
  return benchOf(spec.open({ ...environment, disk }));
};

const tiny = { cacheBytes: 600, bufferBytes: 1_000 };
for (const contract of [keyValueContract, timelineContract]) {
  for (const changelog of [false, true]) {
    const how = changelog ? 'with a changelog' : 'without a changelog';
    contract({ name: `in memory ${how}`, changelog, engine: 'memory', open: inMemory });
    contract({ name: `on disk ${how}`, changelog, engine: 'disk', open: onDisk });
    contract({
      name: `on disk ${how}, with next to no memory`,
      ...{ changelog, engine: 'disk', memory: tiny, open: onDisk },
    });
  }
}
