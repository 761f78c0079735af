import { describe, expect, it } from 'vitest';
import { documentOf, parsePolicyText, policyDigest } from '#policy';
import { type Policy, type PolicyInput, withDefaults } from '#schemas';
import { PolicyTable } from './policy-table.ts';

const yaml = (path: string) => `
apiVersion: security.kubearmor.com/v1
kind: KubeArmorPolicy
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web, kubearmor.io/container.name: "[nginx]" } }
  file: { matchPaths: [{ path: ${path} }] }
`;

function record(over: Partial<PolicyInput> = {}, path = '/etc/shadow'): Policy {
  const target = withDefaults('PolicyTarget', { cluster: 'c1' });
  const documents = parsePolicyText(yaml(path), 'test').map(documentOf);
  const digest = policyDigest({ target, documents });
  return withDefaults('Policy', {
    policyId: 'p',
    generation: 3,
    stage: 'ENFORCE',
    digest,
    target,
    documents,
    ...over,
  });
}

const tableOf = (canaryNode = false) => new PolicyTable({ cluster: 'c1', canaryNode });

const scope = (over: { name?: string; namespace?: string; app?: string; identified?: boolean } = {}) => ({
  cgroupId: 1,
  path: '/x',
  labels: { app: over.app ?? 'web' },
  addresses: [],
  identified: over.identified ?? true,
  container: withDefaults('Container', {
    id: 'c',
    name: over.name ?? 'nginx',
    namespace: over.namespace ?? 'shop',
  }),
});

function reasonOf(table: PolicyTable, policy: Policy, key = 'p'): string {
  const outcome = table.apply(key, policy);
  if (outcome.kind !== 'rejected') throw new Error(`it was ${outcome.kind}`);
  return `${outcome.error.code}: ${outcome.error.message}`;
}

describe('which policy is in force', () => {
  it.each([
    ['ENFORCE', false, 'enforce'],
    ['AUDIT', false, 'audit'],
    ['CANARY', false, 'audit'],
    ['CANARY', true, 'enforce'],
  ] as const)('at stage %s (canary node: %s) it is to %s', (stage, canaryNode, force) => {
    const table = tableOf(canaryNode);
    expect(table.apply('p', record({ stage }))).toMatchObject({
      kind: 'accepted',
      policy: { force, generation: 3 },
    });
  });

  it.each(['LEARNING', 'CANDIDATE', 'SHADOW'] as const)(
    'stays the same when a record at stage %s comes',
    stage => {
      const table = tableOf();
      expect(table.apply('p', record({ stage, generation: 2 })).kind).toBe('unchanged');
      table.apply('p', record());
      expect(table.apply('p', record({ stage, generation: 4 })).kind).toBe('unchanged');
      expect(table.get('p')?.generation).toBe(3);
    },
  );

  it('is none after a tombstone, after RETIRED, and for another cluster', () => {
    const table = tableOf();
    table.apply('p', record());
    expect(table.apply('p', null).kind).toBe('removed');
    table.apply('p', record());
    expect(table.apply('p', record({ stage: 'RETIRED', generation: 4 })).kind).toBe('removed');
    expect(table.apply('p', null).kind).toBe('unchanged');
    const elsewhere = withDefaults('PolicyTarget', { cluster: 'c2' });
    expect(table.apply('p', { ...record(), target: elsewhere }).kind).toBe('unchanged');
    expect(table.inForce).toEqual([]);
  });

  it('does not change when the same record comes again', () => {
    const table = tableOf();
    table.apply('p', record());
    expect(table.apply('p', record()).kind).toBe('unchanged');
  });

  it.each([
    ['an older generation', record({ generation: 2 }), /^POLICY_INVALID: .*generation 2 is older than 3/],
    [
      'another meaning of its generation',
      record({}, '/etc/passwd'),
      /generation 3 is in force with another digest/,
    ],
    [
      'another stage of its generation',
      record({ stage: 'AUDIT' }),
      /generation 3 is in force with another digest or stage/,
    ],
    [
      'a digest of something else',
      record({ generation: 4, digest: 'sha256:0' }),
      /digest sha256:0 is not that of its target/,
    ],
    [
      'a record under a key it does not name',
      record({ generation: 4, policyId: 'q' }),
      /record of key p names q/,
    ],
  ])('stays when there comes %s', (_, policy, reason) => {
    const table = tableOf();
    table.apply('p', record());
    expect(reasonOf(table, policy)).toMatch(reason);
    expect(table.get('p')).toMatchObject({ generation: 3, force: 'enforce' });
  });

  it.each([
    ['SHADOW', 'ENFORCE'],
    ['ENFORCE', 'RETIRED'],
    ['RETIRED', 'ENFORCE'],
  ] as const)(
    'is decided by the first record of a generation, at %s, not by a second at %s',
    (first, second) => {
      const table = tableOf();
      table.apply('p', record({ stage: first }));
      const before = table.get('p');
      expect(reasonOf(table, record({ stage: second }))).toMatch(/generation 3 is (taken|in force)/);
      expect(table.get('p')).toBe(before);
      expect(table.apply('p', record({ stage: 'ENFORCE', generation: 4 })).kind).toBe('accepted');
    },
  );

  it('does not fall behind a generation that is only pinned', () => {
    const table = tableOf();
    table.adopt('p', 5);
    expect(table.isPinnedOnly('p')).toBe(true);
    expect(reasonOf(table, record())).toMatch(/older than 5/);
    expect(table.isPinnedOnly('p')).toBe(true);
    expect(table.apply('p', record({ generation: 5 })).kind).toBe('accepted');
    expect(table.isPinnedOnly('p')).toBe(false);
  });

  it('refuses a document that is broken, by field', () => {
    const broken = record({ generation: 4 });
    const [document] = broken.documents;
    const content = document!.content.replace('"matchPaths"', '"matchPath"');
    const policy = { ...broken, documents: [{ ...document!, content }] };
    expect(reasonOf(tableOf(), { ...policy, digest: policyDigest(policy) })).toMatch(
      /POLICY_INVALID: .*spec\.file\.matchPath: there is no such field/,
    );
  });
});

describe('a policy selects a container', () => {
  it.each([
    ['by labels, namespace and name', scope(), 1],
    ['not of another name', scope({ name: 'sidecar' }), 0],
    ['not in another namespace', scope({ namespace: 'other' }), 0],
    ['not with other labels', scope({ app: 'db' }), 0],
    ['not as long as it is unknown whose it is', scope({ identified: false }), 0],
  ])('%s', (_, container, count) => {
    const table = tableOf();
    table.apply('p', record());
    expect(table.policiesOf(container)).toHaveLength(count);
  });
});
