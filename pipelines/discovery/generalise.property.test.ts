import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mustNotBeWritten, SensitivePaths } from '#policy';
import type { Evidence } from '#schemas';
import { generalise, type PathAccess, type PathRule } from './generalise.ts';
import { decider } from './path-decision.ts';
import { type PathOptions, pathDefaults } from './path-options.ts';

const evidence: Evidence = {
  count: 1,
  firstSeen: 1,
  lastSeen: 1,
  replicas: [],
  days: [0],
  sketch: [1],
  samples: [],
};

const part = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('etc', 'data', 'var', 'lib', 'log', 'tmp', 'proc', 'run', 'usr', 'x'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '1',
      '23',
      '4711',
      'temp-17.rdb',
      'tmpab12cd34',
      'x.aB3dE6',
      '..2026_01_01_00_00_00.1',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '0000000001',
      'de305d54-75b4-431b-adb2-eb6b9e546014',
      'shadow',
      'id_rsa',
      'new\nline',
      'L'.repeat(199),
    ),
  },
);
const access = fc
  .record({
    parts: fc.array(part, { minLength: 0, maxLength: 5 }),
    isDirectory: fc.boolean(),
    write: fc.boolean(),
  })
  .map(({ parts, isDirectory, write }): PathAccess => {
    const path = `/${parts.join('/')}`;
    return { path: isDirectory && parts.length > 0 ? `${path}/` : path, write, evidence };
  });
const accesses = fc.array(access, { minLength: 1, maxLength: 25 });

/** Few are many, so that both stages show. */
const small: PathOptions = { ...pathDefaults, namesFrom: { scratch: 2, data: 2, programs: 3 } };
const options = fc.constantFrom(pathDefaults, small, { ...small, patterns: true });

function generalised(seen: readonly PathAccess[], paths: PathOptions | null = pathDefaults) {
  const reported: string[] = [];
  const rules = generalise(seen, { paths, report: path => reported.push(path) });
  return { rules, reported, byPath: mapOf(rules) };
}

function mapOf(rules: readonly PathRule[]): Map<string, PathRule> {
  return new Map(rules.map(rule => [rule.path, rule]));
}

function admitted(rules: ReadonlyMap<string, PathRule>, { path, write }: PathAccess): boolean {
  const rule = decider(rules, path);
  return rule !== undefined && !(write && rule.readOnly);
}

describe('path rules', () => {
  it('admit every access that was seen, or report it', () => {
    fc.assert(
      fc.property(accesses, options, (seen, paths) => {
        const { byPath, reported } = generalised(seen, paths);
        for (const each of seen) expect(admitted(byPath, each) || reported.includes(each.path)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('do not depend on the order and repetition of what was seen', () => {
    fc.assert(
      fc.property(accesses, fc.nat(), options, (seen, turn, paths) => {
        const at = turn % seen.length;
        const turned = [...seen.slice(at), ...seen.slice(0, at), ...seen].toReversed();
        expect(generalised(turned, paths)).toEqual(generalised(seen, paths));
      }),
    );
  });

  it('are each needed: without it an access that was seen is denied', () => {
    fc.assert(
      fc.property(accesses, options, (seen, paths) => {
        const { rules } = generalised(seen, paths);
        const all = mapOf(rules);
        for (const rule of rules) {
          const others = mapOf(rules.filter(each => each !== rule));
          expect(seen.some(each => admitted(all, each) && !admitted(others, each))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('go on admitting what they admitted, whatever else is seen', () => {
    const isOrdinary = ({ path, write }: PathAccess) =>
      !path.endsWith('/') && !(write && mustNotBeWritten(`${path}/`));
    fc.assert(
      fc.property(accesses, accesses, accesses, options, (seen, more, probes, paths) => {
        const before = generalised(seen.filter(isOrdinary), paths).byPath;
        const after = generalised([...seen, ...more].filter(isOrdinary), paths).byPath;
        for (const { path } of [...seen, ...more, ...probes].filter(isOrdinary)) {
          for (const write of [false, true]) {
            const probe = { path, write, evidence };
            expect(admitted(before, probe) && !admitted(after, probe)).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never admit a sensitive path that was not seen', () => {
    const protectedPaths = [
      '/etc/shadow',
      '/etc/gshadow',
      '/root/.ssh/id_rsa',
      '/etc/ssh/ssh_host_key',
      '/proc/kcore',
      '/proc/1/environ',
      '/proc/23/mem',
      '/var/run/docker.sock',
    ];
    const probes = [...protectedPaths, '/run/secrets/a/token', '/data/id_rsa'];
    fc.assert(
      fc.property(accesses, seen => {
        const { byPath } = generalised(seen);
        for (const path of probes) {
          if (seen.some(each => each.path === path || each.path === `${path}/`)) continue;
          const rule = decider(byPath, path);
          // What no rule can tell apart says so: other generations of a volume.
          const isTold = /every generation|directly in|below/.test(rule?.admits ?? '');
          expect(rule === undefined || (isTold && !protectedPaths.includes(path))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('count each path seen under exactly one rule', () => {
    fc.assert(
      fc.property(accesses, seen => {
        const { rules, byPath } = generalised(seen);
        const paths = new Set(seen.map(({ path }) => path));
        const decided = [...paths].filter(path => decider(byPath, path) !== undefined);
        const counted = rules.reduce((sum, { observed }) => sum + observed, 0);
        expect(counted).toBeLessThanOrEqual(decided.length);
        for (const { observed } of rules) expect(observed).toBeGreaterThan(0);
      }),
    );
  });

  it('stay as they are where only literal ones are asked for', () => {
    fc.assert(
      fc.property(accesses, seen => {
        const { rules } = generalised(seen, null);
        const paths = new Set(seen.map(({ path }) => (path.length > 1 ? path.replace(/\/$/, '') : path)));
        for (const { path, admits } of rules) {
          expect(paths.has(path)).toBe(true);
          expect(admits).toBe('');
        }
      }),
    );
  });

  it('keep sensitive paths to themselves', () => {
    fc.assert(
      fc.property(accesses, seen => {
        for (const { path } of seen) {
          if (!new SensitivePaths().isSensitive(path) || path.includes('/..2026')) continue;
          const { rules, reported } = generalised([{ path, write: true, evidence }]);
          if (reported.includes(path) && rules.length === 0) continue;
          expect(rules.map(rule => rule.path)).toEqual([path.replace(/\/$/, '')]);
        }
      }),
    );
  });
});
