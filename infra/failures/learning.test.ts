/** What peers got wrong about what to learn, and when it is enough: docs/failures.md. */

import { describe, expect, it } from 'vitest';
import { address, learned, path, pods, traffic } from './learned.ts';
import { db, end, flow, log, reserved, time, web, workloadObject } from './recordings.ts';

const objects = [workloadObject('Deployment', 'web', web)];
const opened = (name: string, given: object = {}) => log('File', name, given);
const minute = (each: number) => ({ UpdatedTime: time(60 * each) });
const read = (name: string) => path('FILE_READ', web, name);

describe('what was refused', () => {
  // discovery-engine learned "Permission denied" as needed: an attack that was blocked became allowed
  it('is not learned, of whichever system', () => {
    const logs = [
      opened('/data/a'),
      opened('/etc/shadow', { Result: 'Permission denied' }),
      opened('/root/.ssh/id_rsa', { Action: 'Block', Type: 'MatchedPolicy', Result: 'Permission denied' }),
      opened('/etc/gshadow', { Action: 'Audit', Type: 'MatchedPolicy' }),
    ];
    const dropped = { verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED' };
    const flows = [
      flow({ to: end(db) }),
      flow({ to: reserved('world'), port: 4444, address: '203.0.113.66', more: dropped }),
    ];
    const { verdict } = learned({ objects, logs, flows });
    expect(verdict('kubearmor', read('/data/a'))).toBe('allow');
    for (const name of ['/etc/shadow', '/root/.ssh/id_rsa', '/etc/gshadow'])
      expect(verdict('kubearmor', read(name))).toBe('deny');
    const attack = traffic('CONNECT', web, { with: address('203.0.113.66/32'), port: 4444 });
    expect(verdict('cilium', attack)).toBe('deny');
    expect(verdict('kubernetes', attack)).toBe('deny');
  });

  it('taints what was seen around it only, until that is seen apart from it', () => {
    const usual = Array.from({ length: 60 }, (_, i) => opened('/data/a', minute(i)));
    const refused = opened('/etc/shadow', { Result: 'Permission denied', ...minute(30) });
    const around = opened('/tmp/tool', minute(31));
    const one = learned({ objects, logs: [...usual, refused, around] });
    expect(one.verdict('kubearmor', read('/tmp/tool'))).toBe('deny');
    expect(one.losses.join()).toContain('seen around alerts only');
    const later = learned({ objects, logs: [...usual, refused, around, opened('/tmp/tool', minute(50))] });
    expect(later.verdict('kubearmor', read('/tmp/tool'))).toBe('allow');
  });
});

describe('how far a policy can be trusted', () => {
  const confidence = (logs: readonly object[]) => learned({ objects, logs }).policies[0]!.confidence!;

  // discovery-engine #715, #513; kubescape #912; bob #170; a short look showed 5 of 41 flows of a week
  it('is told: little after a short look, more the less that is new comes', () => {
    const names = Array.from({ length: 10 }, (_, i) => `/data/file-${String.fromCharCode(97 + i)}`);
    const short = confidence(names.map(name => opened(name)));
    const long = confidence(
      Array.from({ length: 50 }, (_, round) => names.map(name => opened(name, minute(round)))).flat(),
    );
    expect(short).toMatchObject({ behaviours: 10, events: 10, unseenMass: 1, confidence: 0 });
    expect(long).toMatchObject({ behaviours: 10, unseenMass: 0, confidence: 1 });
    // Counts are estimates past a few events.
    expect(long.events).toBeGreaterThan(400);
  });

  it('counts what it stands on: replicas and days', () => {
    const logs = [0, 1].flatMap(day =>
      ['web-0', 'web-1', 'web-2'].map(PodName =>
        opened('/data/a', { PodName, UpdatedTime: time(day * 86_400) }),
      ),
    );
    expect(confidence(logs)).toMatchObject({ replicas: 3, days: 2, events: 6 });
  });
});

describe('a policy', () => {
  it('names for each of its rules how often, when and where it was seen', () => {
    const { policies } = learned({
      objects,
      flows: [flow({ to: end(db), at: 5 })],
      logs: [opened('/data/a')],
    });
    const rules = policies.flatMap(({ rules }) => rules).filter(({ observed }) => observed > 0);
    expect(rules.length).toBeGreaterThan(2);
    for (const { evidence } of rules) {
      expect(evidence!.count).toBeGreaterThan(0);
      expect(evidence!.samples.length).toBeGreaterThan(0);
      expect(evidence!.samples[0]!.origin.bootId).toMatch(/^in:\d+$/);
    }
  });

  // Theia allows whole namespaces; StackRox allows everyone once the world came
  it('of one who was reached from outside does not open it to the pods', () => {
    const flows = [
      flow({ from: reserved('world'), to: end(web), port: 80, more: { IP: { source: '198.51.100.9' } } }),
    ];
    const { verdict } = learned({ objects, flows });
    for (const by of ['cilium', 'kubernetes'] as const) {
      expect(verdict(by, traffic('ACCEPT', web, { with: pods(db), port: 80 }))).toBe('deny');
      expect(verdict(by, traffic('ACCEPT', web, { with: address('198.51.100.9/32'), port: 80 }))).toBe(
        'allow',
      );
    }
  });

  // NeuVector: more than 20 ports of a peer became any port
  it('with many ports of a peer does not become one for all ports', () => {
    const flows = Array.from({ length: 40 }, (_, i) => flow({ to: end(db), port: 7000 + i }));
    const { verdict } = learned({ objects, flows });
    for (const by of ['cilium', 'kubernetes'] as const)
      expect(
        [7000, 7039, 7040].map(port => verdict(by, traffic('CONNECT', web, { with: pods(db), port }))),
      ).toEqual(['allow', 'allow', 'deny']);
  });
});
