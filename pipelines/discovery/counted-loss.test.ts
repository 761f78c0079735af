import { describe, expect, it } from 'vitest';
import { type BehaviourProfile, withDefaults } from '#schemas';
import { CountedLoss } from './counted-loss.ts';

const books = (node: string, emitted: number, dropped: Record<string, number>) => ({
  key: `enforcer/${node}`,
  value: withDefaults('AgentHealth', {
    ...{ agent: 'enforcer', cluster: 'east', node, at: 0, version: '1', emitted, dropped },
    delivered: emitted - Object.values(dropped).reduce((a, b) => a + b, 0),
  }),
});
/** Seen so often on that node. */
const profile = (node: string, count: number): BehaviourProfile =>
  withDefaults('BehaviourProfile', {
    ...{ cluster: 'east', namespace: 'shop', workloadKind: 'Deployment', workload: 'web', container: 'web' },
    behaviours: [
      withDefaults('Behaviour', {
        operation: 'EXEC',
        evidence: withDefaults('Evidence', {
          ...{ count, firstSeen: 0, lastSeen: 0 },
          samples: [
            {
              origin: { cluster: 'east', node, agent: 'enforcer', bootId: 'b', sequence: 1 },
              ...{ topic: 't', partition: 0, offset: 0 },
            },
          ],
        }),
      }),
    ],
  });

describe('counted loss of a workload', () => {
  it('is at the rate of the nodes on which it was seen', () => {
    const loss = new CountedLoss();
    loss.apply(books('n1', 100, { ringbuf: 15, oversize: 5 }));
    loss.apply(books('n2', 100, {}));
    expect(loss.lostOf([profile('n1', 400)])).toBe(100);
    expect(loss.lostOf([profile('n2', 400)])).toBe(0);
    expect(loss.lostOf([profile('n1', 200), profile('n2', 200)])).toBe(44);
  });

  it('is by the last books of each agent, and none where nobody keeps any', () => {
    const loss = new CountedLoss();
    expect(loss.lostOf([profile('n1', 400)])).toBe(0);
    loss.apply(books('n1', 100, { ringbuf: 50 }));
    loss.apply(books('n1', 200, { ringbuf: 50 }));
    expect(loss.lostOf([profile('n1', 300)])).toBe(100);
    loss.apply({ key: 'enforcer/n1', value: null });
    expect(loss.lostOf([profile('n1', 300)])).toBe(0);
  });

  it('is everything where nothing arrived', () => {
    const loss = new CountedLoss();
    loss.apply(books('n1', 10, { ringbuf: 10 }));
    expect(loss.lostOf([profile('n1', 0)])).toBe(10);
  });
});
