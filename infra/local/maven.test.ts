import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchArtifacts } from './artifacts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-maven-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function plantMaven(script: string): void {
  const mvn = join(folder, 'mvn');
  writeFileSync(mvn, `#!/bin/sh\n${script}\n`);
  chmodSync(mvn, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}/usr/bin${delimiter}/bin`);
}

const cache = () => join(folder, 'cache');
const fetchQuietly = () => fetchArtifacts({ cache: cache(), report: () => {} });

test('a machine without Maven is told so, and how to mend it', async () => {
  vi.stubEnv('PATH', folder);
  await expect(fetchQuietly()).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('apt-get install maven'),
  });
});

test('a failed fetch says what Maven said and leaves nothing that a later one would believe', async () => {
  plantMaven(
    `for arg; do case $arg in -DoutputDirectory=*) echo half > "\${arg#*=}/half.jar";; esac; done; echo 'no route to host'; exit 1`,
  );
  await expect(fetchQuietly()).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('no route to host'),
  });
  expect(readdirSync(cache())).toEqual([]);
});

test('what the cache has is not fetched again', async () => {
  plantMaven(`
    echo run >> ${folder}/runs
    for arg; do case $arg in -DoutputDirectory=*) out=\${arg#*=};; esac; done
    case "$*" in *registry*) cd ${folder} && touch quarkus-run.jar && tar -czf "$out/apicurio-registry-app-3.3.3-all.tar.gz" quarkus-run.jar;; *) touch "$out/kafka.jar";; esac`);
  const told: string[] = [];
  const first = await fetchArtifacts({ cache: cache(), report: line => told.push(line) });
  expect(readdirSync(first.kafkaJars)).toEqual(['kafka.jar']);
  expect(readdirSync(first.registryApp)).toEqual(['quarkus-run.jar']);
  expect(told.filter(line => line.startsWith('bringing'))).toHaveLength(2);
  plantMaven('exit 1');
  expect(await fetchQuietly()).toEqual(first);
  expect(readdirSync(cache()).sort()).toEqual(
    [first.kafkaJars, first.registryApp].map(path => path.split('/').at(-1)).sort(),
  );
});
