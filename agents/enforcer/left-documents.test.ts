import { describe, expect, it } from 'vitest';
import { documentOf, parseAnyPolicy, policyDigest } from '#policy';
import { type PolicyDocument, withDefaults } from '#schemas';
import type { Installed } from './enforcement.ts';
import { divide } from './left-documents.ts';
import { statusOf } from './policy-status.ts';
import { PolicyTable } from './policy-table.ts';

const pods = { matchLabels: { app: 'web' } };
const metadata = { name: 'p', namespace: 'shop' };
const cilium = (spec: object = {}) =>
  documentOf(
    parseAnyPolicy(
      {
        ...{ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata },
        spec: { endpointSelector: pods, egress: [{ toEntities: ['world'] }], ingress: [{}], ...spec },
      },
      'test',
    ),
  );
const network = (spec: object = {}, namespace = 'shop') =>
  documentOf(
    parseAnyPolicy(
      {
        ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
        metadata: { ...metadata, namespace },
        spec: { podSelector: pods, policyTypes: ['Egress', 'Ingress'], ...spec },
      },
      'test',
    ),
  );

describe('what is left to Cilium', () => {
  it('is a document in whose place a NetworkPolicy rules the same pods here', () => {
    expect(divide([cilium(), network()])).toEqual({ own: [network()], left: ['p'] });
  });

  it('is nothing where there is none', () => {
    expect(divide([network()])).toEqual({ own: [network()], left: [] });
  });

  it.each([
    ['nothing rules them', []],
    ['other pods are ruled', [network({ podSelector: {} })]],
    ['pods of another namespace are ruled', [network({}, 'data')]],
    ['one direction is not ruled', [network({ policyTypes: ['Ingress'] })]],
  ])('is refused where %s', (_, others) => {
    expect(() => divide([cilium(), ...others])).toThrow(/no NetworkPolicy of the policy rules .*egress/);
  });

  it('is judged in the directions that it closes', () => {
    const open = cilium({ enableDefaultDeny: { egress: false } });
    expect(divide([open, network({ policyTypes: ['Ingress'] })]).left).toEqual(['p']);
  });
});

describe('a policy with documents of several systems', () => {
  const target = withDefaults('PolicyTarget', { cluster: 'c1' });
  const record = (documents: PolicyDocument[]) =>
    withDefaults('Policy', {
      ...{ policyId: 'p', generation: 1, stage: 'ENFORCE', target, documents },
      digest: policyDigest({ target, documents }),
    });
  const apply = (documents: PolicyDocument[]) =>
    new PolicyTable({ cluster: 'c1', canaryNode: false }).apply('p', record(documents));

  it('is in force with those of this node, and its status tells which are left', () => {
    const outcome = apply([cilium(), network()]);
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    expect(outcome.policy.documents.map(({ object }) => object.kind)).toEqual(['NetworkPolicy']);
    const name = { policyId: 'p', ruleId: 'egress/default', generation: 1, severity: 1 };
    const status = statusOf({
      ...{ policyId: 'p', inForce: outcome.policy, rejection: undefined, removed: false, troubles: [] },
      containers: [{ id: 'c', installed: { names: [name], adopted: false } as unknown as Installed }],
    });
    expect(status).toMatchObject({ state: 'APPLIED', reason: 'left to Cilium: p' });
  });

  it('is rejected with the reason where nothing here stands in for one', () => {
    const outcome = apply([cilium()]);
    expect(outcome).toMatchObject({ kind: 'rejected', error: { code: 'POLICY_UNENFORCEABLE' } });
  });
});
