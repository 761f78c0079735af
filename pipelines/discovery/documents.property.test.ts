/** Documents say what the rules say that they were made from: written as YAML, read again and judged, nothing more, nothing less. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type AnyPolicyObject, parseAnyDocument, parseAnyPolicyText } from '#policy';
import type { Behaviour, BehaviourProfile } from '#schemas';
import type { Access } from './access.ts';
import { anyBehaviour, anyProfiles } from './behaviour-arbitrary.ts';
import { decide } from './decide.ts';
import { type EmitterName, makePolicy, policyDefaults } from './make-policy.ts';
import { workloadPolicy } from './policy-ir.ts';
import { isAdmittedByRules } from './rules-oracle.ts';

const options = { ...policyDefaults, capabilities: true };

function writtenAndRead(profiles: readonly BehaviourProfile[], emit: EmitterName): AnyPolicyObject[] {
  const objects = (makePolicy(profiles, [emit], options)?.documents ?? []).map(parseAnyDocument);
  const read = parseAnyPolicyText(objects.map(object => stringify(object)).join('---\n'), 'written');
  expect(read).toEqual(objects);
  return read;
}

/** What was seen of the workload, and what was not, as its first container would do it. */
function accessesOf(profiles: readonly BehaviourProfile[], others: readonly Behaviour[]): Access[] {
  const [{ namespace, selector, container, workloadKind }] = profiles as [BehaviourProfile];
  const actor =
    workloadKind === 'Node' ? { nodeLabels: selector } : { namespace, labels: selector, container };
  return [...profiles.flatMap(({ behaviours }) => behaviours), ...others].map(
    ({ operation, object, transport, port, peer, http }) => ({
      ...{ operation, object, transport, port, peer, http, actor },
    }),
  );
}

const situation = fc.tuple(anyProfiles, fc.array(anyBehaviour, { minLength: 5, maxLength: 15 }));
const runs = { numRuns: 150 };

/** Of every access about which the documents have a rule, what they and the rules say. */
function judged([profiles, others]: [BehaviourProfile[], Behaviour[]], emit: EmitterName) {
  const documents = writtenAndRead(profiles, emit);
  const rules = workloadPolicy(profiles, options);
  return accessesOf(profiles, others)
    .map(access => ({ access, decision: decide(documents, access) }))
    .filter(({ decision }) => decision.rule !== null)
    .map(({ access, decision }) => ({
      byDocuments: decision.verdict !== 'deny',
      byRules: isAdmittedByRules(rules, access, emit),
      said: JSON.stringify({ access, decision, documents }),
    }));
}

describe('documents, written and read again', () => {
  it.each(['kubearmor', 'cilium'] as const)('admit in %s exactly what their rules admit', emit => {
    fc.assert(
      fc.property(situation, situation => {
        for (const { byDocuments, byRules, said } of judged(situation, emit))
          expect(byDocuments, said).toBe(byRules);
      }),
      runs,
    );
  });

  it('admit in kubernetes nothing that their rules do not admit', () => {
    fc.assert(
      fc.property(situation, situation => {
        for (const { byDocuments, byRules, said } of judged(situation, 'kubernetes'))
          expect(!byDocuments || byRules, said).toBe(true);
      }),
      runs,
    );
  });
});
