import fc from 'fast-check';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { KubeClient, type KubeObject } from '#kube';
import { type AnyPolicyObject, parseAnyDocument } from '#policy';
import type { BehaviourProfile } from '#schemas';
import { anyProfiles } from './behaviour-arbitrary.ts';
import { knownEmitters, makePolicy, type PolicyOptions, policyDefaults } from './make-policy.ts';
import { everyKindOfBehaviour, ofNode, ofPods } from './rich-profile.ts';

const client = new KubeClient(inject('kubeAccess'));
const namespaces = ['shop', 'data', 'n'.repeat(63)];

beforeAll(async () => {
  for (const name of namespaces)
    await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
});

const everything: PolicyOptions = { ...policyDefaults, widen: true, capabilities: true, fromSource: true };

function documentsOf(profiles: readonly BehaviourProfile[], options = policyDefaults): AnyPolicyObject[] {
  return (makePolicy(profiles, knownEmitters, options)?.documents ?? []).map(parseAnyDocument);
}

/** What the server has of it after it was created there and before it is removed again. */
async function keptOf(object: AnyPolicyObject): Promise<unknown> {
  const created = await client.create(object);
  if (created.status !== 201) return created.body;
  const read = await client.read(object);
  await client.remove(object);
  return read.body;
}

/** The server adds to metadata, and to nothing else. */
async function expectTaken(object: AnyPolicyObject): Promise<void> {
  const kept = (await keptOf(object)) as AnyPolicyObject;
  expect(kept, JSON.stringify([kept, object], null, 1)).toEqual({
    ...object,
    metadata: expect.objectContaining(object.metadata),
  });
}

describe(`a real API server, with KubeArmor's kinds by ${inject('kubeArmorSource')}`, () => {
  it.each([
    ['of pods', ofPods(everyKindOfBehaviour), policyDefaults],
    ['of pods, with everything asked for', ofPods(everyKindOfBehaviour), everything],
    ['of a node', ofNode(everyKindOfBehaviour), policyDefaults],
    ['of a node, with everything asked for', ofNode(everyKindOfBehaviour), everything],
  ])('takes documents %s as they are', async (_, profile, options) => {
    const documents = documentsOf([profile], options);
    const kinds = new Set(documents.map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      profile.workloadKind === 'Node'
        ? ['CiliumClusterwideNetworkPolicy', 'KubeArmorHostPolicy']
        : ['CiliumNetworkPolicy', 'KubeArmorPolicy', 'NetworkPolicy'],
    );
    for (const document of documents) await expectTaken(document);
  });

  it('takes whatever discovery emits, and gives back what it was given', async () => {
    await fc.assert(
      fc.asyncProperty(anyProfiles, fc.boolean(), async (profiles, all) => {
        for (const document of documentsOf(profiles, all ? everything : policyDefaults))
          await expectTaken(document);
      }),
      { numRuns: 150 },
    );
  });

  it('refuses a field that the kind has not, of every kind', async () => {
    for (const profile of [ofPods(everyKindOfBehaviour), ofNode(everyKindOfBehaviour)])
      for (const document of documentsOf([profile])) {
        const { status, body } = await client.create({
          ...document,
          spec: { ...document.spec, unheard: 1 },
        } as unknown as KubeObject);
        expect(status, document.kind).toBe(400);
        expect(JSON.stringify(body)).toContain('unknown field \\"spec.unheard\\"');
      }
  });

  it.each([
    ['KubeArmorPolicy', { selector: {}, process: { matchPaths: [{ path: 'relative' }] } }, 'should match'],
    ['KubeArmorPolicy', { selector: {}, action: 'Deny' }, 'Unsupported value'],
    [
      'KubeArmorHostPolicy',
      { nodeSelector: {}, file: { matchDirectories: [{ dir: '/a' }] } },
      'should match',
    ],
    [
      'CiliumNetworkPolicy',
      { endpointSelector: {}, egress: [{ toPorts: [{ ports: [{ port: '1', protocol: 'XYZ' }] }] }] },
      'Unsupported value',
    ],
    [
      'CiliumClusterwideNetworkPolicy',
      { nodeSelector: {}, egress: [{ toEntities: ['everybody'] }] },
      'Unsupported value',
    ],
    [
      'NetworkPolicy',
      { podSelector: {}, egress: [{ ports: [{ port: 70_000 }] }] },
      'must be between 1 and 65535',
    ],
  ])('refuses a %s that says what it cannot: %j', async (kind, spec, why) => {
    const apiVersion = { Kube: 'security.kubearmor.com/v1', Cili: 'cilium.io/v2' }[kind.slice(0, 4)];
    const isOfCluster = /Host|Clusterwide/.test(kind);
    const { status, body } = await client.create({
      ...{ apiVersion: apiVersion ?? 'networking.k8s.io/v1', kind },
      ...{ metadata: { name: 'wrong', ...(!isOfCluster && { namespace: 'shop' }) }, spec },
    } as unknown as KubeObject);
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(why);
  });
});
