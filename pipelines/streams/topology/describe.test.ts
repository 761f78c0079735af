import { filter, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  aggregate,
  keyValueStore,
  merge,
  named,
  process,
  repartition,
  selectKey,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };

describe('a described topology', () => {
  it('shows sources, steps, stores, sinks and how they hang together', async () => {
    const t = topology('orders', b => {
      const prices = b.globalTable('prices', text);
      const orders = merge(b.source('orders', text), b.source('returns', text));
      orders.pipe(
        named(
          'large ones',
          filter(({ value }) => value.length > 9),
        ),
        to('large', text),
      );
      orders.pipe(
        map(record => record),
        withGlobal(prices, (record, view) => ({ ...record, value: view.get(record.value) ?? '' })),
        selectKey(({ value }) => value),
        repartition({ name: 'by-price', ...text }),
        aggregate({
          store: keyValueStore({ name: 'sums', ...text }),
          initial: () => '',
          add: (sum, { value }: { readonly value: string }) => sum + value,
        }),
        process(() => ({ process() {} }), {
          name: 'watch',
          stores: [keyValueStore({ name: 'seen', ...text, changelog: false })],
        }),
      );
    });
    await expect(t.describe()).toMatchFileSnapshot('golden/orders.txt');
  });
});
