/** One workload, its policy and the verify pipeline on topics in memory, for tests. */

import {
  type Alert,
  type Behaviour,
  type BehaviourProfile,
  localSerdes,
  type Policy,
  type PolicyApproval,
  type PolicyFinding,
  type PolicyTransition,
  type Stage,
  withDefaults,
} from '#schemas';
import { manualClock, type TestDriver, type TestDriverOptions, testDriver } from '#streams';
import { firstPolicy, policyDefaults } from '../discovery/index.ts';
import type { VerifySettingsInput } from './settings.ts';
import { verifyTopology } from './topology.ts';

export const serdes = localSerdes();
export const policyId = 'east/shop/Deployment/web';
export const startMs = Date.UTC(2026, 0, 1);
export const hourMs = 3_600_000;

export interface Seen {
  readonly path: string;
  readonly operation?: Behaviour['operation'];
  readonly atMs?: number;
  readonly firstMs?: number;
  readonly count?: number;
}

/** The profile of the workload's one container. */
export function profile(seen: readonly Seen[]): BehaviourProfile {
  const behaviours = seen.map(
    ({ path, operation = 'FILE_READ', atMs = startMs, firstMs = startMs, count = 1000 }, at) =>
      withDefaults('Behaviour', {
        ...{ operation, object: path, source: '/usr/bin/web' },
        evidence: withDefaults('Evidence', {
          ...{ count, firstSeen: firstMs * 1000, lastSeen: atMs * 1000 },
          ...{ replicas: ['web-0', 'web-1'], days: [20_454] },
          sketch: Array.from({ length: Math.min(count, 32) }, (_, i) => at * 1000 + i),
          samples: [
            {
              origin: { cluster: 'east', node: 'n1', agent: 'enforcer', bootId: 'b', sequence: at + 1 },
              ...{ topic: 'default.events.file.v1', partition: 0, offset: 10 + at },
            },
          ],
        }),
      }),
  );
  return {
    ...{ cluster: 'east', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'web' },
    ...{ selector: { app: 'web' }, images: [], alerts: [], behaviours },
  };
}

export function policyOf(learned: BehaviourProfile, stage: Stage, generation = 1): Policy {
  return { ...firstPolicy([learned], { emit: ['kubearmor'], stage, policy: policyDefaults })!, generation };
}

export function alert(policy: Policy, sequence: number, given: Partial<Alert> = {}): Alert {
  return withDefaults('Alert', {
    origin: { cluster: 'east', node: 'n1', agent: 'enforcer', bootId: 'b', sequence },
    time: (startMs + sequence * 1000) * 1000,
    container: withDefaults('Container', { id: 'c', name: 'web', namespace: 'shop', workload: 'web' }),
    file: withDefaults('FileAccess', { operation: 'OPEN', path: '/etc/shadow', read: true }),
    verdict: 'DENY',
    rule: { policyId, ruleId: 'file/default', generation: policy.generation },
    ...given,
  });
}

export class VerifyUnderTest {
  readonly driver: TestDriver;

  constructor(settings: VerifySettingsInput = {}, options: TestDriverOptions = {}) {
    const topology = verifyTopology({
      tenant: 'default',
      serdes,
      settings: { quietMs: 1000, evidenceMs: 1, ...settings },
    });
    this.driver = testDriver(topology, { clock: manualClock(startMs), ...options });
  }

  write(policy: Policy | null): this {
    this.driver.pipe('default.policies.v1', { key: policyId, value: policy });
    return this;
  }

  sees(learned: BehaviourProfile): this {
    this.driver.pipe('default.behaviours.v1', { key: `${policyId}/web`, value: learned });
    return this.settle();
  }

  alerts(...alerts: readonly Alert[]): this {
    this.driver.pipe(
      'default.alerts.v1',
      alerts.map(value => ({ key: 'east/shop/web', value })),
    );
    return this.settle();
  }

  approve(approval: Partial<PolicyApproval> & Pick<PolicyApproval, 'digest'>): this {
    const value: PolicyApproval = { policyId, stage: 'ENFORCE', at: 1, by: 'ann', reason: '', ...approval };
    this.driver.pipe('default.policy-approvals.v1', { key: policyId, value });
    return this.settle();
  }

  transition(transition: PolicyTransition): this {
    this.driver.pipe('default.policy-transitions.v1', { key: policyId, value: transition });
    return this;
  }

  /** Long enough for profiles to be judged. */
  settle(): this {
    for (let i = 0; i < 12; i++) this.driver.advance(200);
    return this;
  }

  get versions(): Policy[] {
    return this.#all('policies.v1');
  }

  get standing(): Policy {
    return this.versions.at(-1)!;
  }

  get transitions(): PolicyTransition[] {
    return this.#all('policy-transitions.v1');
  }

  get history(): Policy[] {
    return this.#all('policy-history.v1');
  }

  get findings(): PolicyFinding[] {
    return this.#all('policy-findings.v1');
  }

  #all<T>(topic: 'policies.v1' | 'policy-transitions.v1' | 'policy-history.v1' | 'policy-findings.v1'): T[] {
    return this.driver
      .records(`default.${topic}`)
      .filter(({ value }) => value !== null)
      .map(({ value }) => serdes.of(topic).deserialize(value!) as T);
  }
}
