import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const origin = (sequence: number, bootId = 'b1') => ({
  cluster: 'c',
  node: 'n',
  agent: 'enforcer',
  bootId,
  sequence,
});

describe('the ledger', () => {
  it('finds no gap when every number arrived, whatever the order', () => {
    const ledger = new Ledger();
    for (const n of [3, 1, 2, 2]) ledger.add(origin(n));
    expect(ledger.accounts()).toEqual([{ bootId: 'b1', arrived: 3, highest: 3, duplicates: 1, gaps: [] }]);
  });

  it('names runs of missing numbers, at the start, inside, and before the number the agent gave out last', () => {
    const ledger = new Ledger();
    for (const n of [2, 3, 6]) ledger.add(origin(n));
    expect(ledger.accounts(new Map([['b1', 8]]))[0]?.gaps).toEqual([
      [1, 1],
      [4, 5],
      [7, 8],
    ]);
  });

  it('keeps boots apart', () => {
    const ledger = new Ledger();
    ledger.add(origin(1));
    ledger.add(origin(1, 'b2'));
    expect(ledger.accounts().map(a => a.duplicates)).toEqual([0, 0]);
  });
});
