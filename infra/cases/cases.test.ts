import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { type AnyPolicyObject, parseAnyPolicy } from '#policy';
import { withDefaults } from '#schemas';
import type { Access } from '../../pipelines/discovery/index.ts';
import { readCases } from './case.ts';
import { isFailed, linesOf, runCases } from './run.ts';
import { score } from './score.ts';

const own = join(import.meta.dirname, 'own');
const told = process.env.SLUICE_CASES;

describe('discovery, on cases with an expectation', () => {
  it('admits what was seen and denies what was neither seen nor expected', async () => {
    const results = [...runCases(own)];
    expect(results.filter(isFailed).map(({ name }) => name)).toEqual([]);
    const text = results.flatMap(result => [...linesOf(result)]).join('\n');
    await expect(`${text}\n`).toMatchFileSnapshot('golden/own.txt');
  }, 120_000);

  it.skipIf(told === undefined)(
    'does so on the cases in SLUICE_CASES too (skipped: that names no folder)',
    () => {
      const failed = [...runCases(told!)].filter(isFailed);
      expect(failed.flatMap(result => [...linesOf(result)])).toEqual([]);
    },
    600_000,
  );

  it('is not run on a folder without cases', () => {
    expect(() => readCases(join(own, 'nowhere'))).toThrow('name a folder of cases');
    expect(() => readCases(import.meta.dirname)).toThrow('has no cluster.yaml');
  });
});

describe('the score', () => {
  const labels = { app: 'web' };
  const db = withDefaults('Peer', {
    ...{ type: 'WORKLOAD', namespace: 'shop', workloadKind: 'Pods', selector: { app: 'db' } },
  });
  const seen: Access[] = [
    {
      ...{ actor: { namespace: 'shop', labels, container: '' }, operation: 'CONNECT', object: '' },
      ...{ transport: 'TCP', port: 5432, peer: db, http: null },
    },
  ];
  const policy = (egress: object): AnyPolicyObject =>
    parseAnyPolicy(
      {
        ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy' },
        metadata: { name: 'p', namespace: 'shop' },
        spec: { endpointSelector: { matchLabels: labels }, egress: [egress], ingress: [{}] },
      },
      'test',
    );
  const toDb = { toEndpoints: [{ matchLabels: { app: 'db' } }] };
  const exact = policy({ ...toDb, toPorts: [{ ports: [{ port: '5432', protocol: 'TCP' }] }] });
  const of = (policies: AnyPolicyObject[], expected: AnyPolicyObject[] = []) =>
    score({ policies, expected, seen, pods: [], services: [] });

  it('finds what a policy denies that was seen', () => {
    expect(of([policy({})]).denied).toEqual(seen);
    expect(of([exact]).denied).toEqual([]);
  });

  it('finds what a policy admits that was neither seen nor expected', () => {
    expect(of([policy(toDb)]).admitted.length).toBeGreaterThan(0);
    expect(of([policy(toDb)], [policy(toDb)]).admitted).toEqual([]);
    expect(of([]).admitted.length).toBe(of([]).probes);
    expect(of([exact]).admitted).toEqual([]);
  });

  it('tells expected rules that are covered from those that nothing seen is behind', () => {
    const elsewhere = policy({ toEntities: ['world'] });
    expect(of([exact], [policy(toDb)])).toMatchObject({ expectedRules: 2, coveredRules: 1 });
    expect(of([exact], [elsewhere]).unfounded).toEqual(['p ingress[0]', 'p egress[0]']);
  });
});
