import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseJdk, findJdks, parseJavaVersion } from './jdk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-jdk-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that answers -version as a Java of that version does: on standard error. */
function plant(home: string, says: string): string {
  const java = join(folder, home, 'bin', 'java');
  mkdirSync(join(folder, home, 'bin'), { recursive: true });
  writeFileSync(java, `#!/bin/sh\n${says}\n`);
  chmodSync(java, 0o755);
  return java;
}
const version = (text: string) => `echo 'openjdk version "${text}" 2025-01-01' >&2`;
const nowhere = { javaHome: undefined, executables: [], cache: '' };

test('every Java is found once, by JAVA_HOME, the usual folder and PATH, and the newest is first', async () => {
  const old = plant('jvm/java-17', version('17.0.15'));
  const other = plant('home', version('25.0.1'));
  const third = plant('opt', version('21'));
  symlinkSync(join(folder, 'jvm/java-17'), join(folder, 'jvm/default'));
  const paths = {
    ...nowhere,
    javaHome: join(folder, 'home'),
    executables: [join(folder, 'opt/bin'), '/gone'],
  };
  expect(await findJdks(paths, join(folder, 'jvm'))).toEqual([
    { java: other, version: 25 },
    { java: third, version: 21 },
    { java: old, version: 17 },
  ]);
});

test('what fails or says no version is no Java', async () => {
  plant('jvm/broken', 'exit 1');
  plant('jvm/odd', 'echo hello');
  expect(await findJdks(nowhere, join(folder, 'jvm'))).toEqual([]);
  expect(await findJdks(nowhere, join(folder, 'absent'))).toEqual([]);
});

test.each([
  ['openjdk version "25.0.1" 2025-10-21', 25],
  ['openjdk version "21" 2023-09-19', 21],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "26-ea" 2026-03-17', 26],
  ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.15"', 17],
  ['no java here', undefined],
])('%j is Java %s', (text, expected) => {
  expect(parseJavaVersion(text)).toBe(expected);
});

test('a machine with Java 17 only is told that the registry needs 21, what there is, and the mend', () => {
  const need = { part: 'schema registry', version: 21 };
  expect(() => chooseJdk([{ java: '/opt/17/bin/java', version: 17 }], need)).toThrow(
    expect.objectContaining({
      code: 'UNREACHABLE',
      message: expect.stringMatching(
        /registry needs Java 21 .* is Java 17 \(\/opt\/17\/bin\/java\).* JAVA_HOME/,
      ),
    }),
  );
  expect(() => chooseJdk([], need)).toThrow('none was found');
});
