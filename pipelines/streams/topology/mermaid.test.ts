import fc from 'fast-check';
import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import {
  aggregate,
  keyValueStore,
  merge,
  named,
  repartition,
  selectKey,
  to,
  topology,
  withGlobal,
} from '../index.ts';

const text = { key: textSerde, value: textSerde };
const sums = () => keyValueStore({ name: 'sums', ...text });
const summed = (store = sums()) =>
  aggregate({ store, initial: () => '', add: (sum, { value }: { readonly value: string }) => sum + value });

describe('a drawn topology', () => {
  it('shows topics, steps, stores and what they hang together by', async () => {
    const orders = topology('orders', b => {
      const prices = b.globalTable('prices', text);
      const all = merge(b.source('orders', text), b.source('returns', text));
      all.pipe(
        withGlobal(prices, (record, view) => ({ ...record, value: view.get(record.value) ?? '' })),
        selectKey(({ value }) => value),
        repartition({ name: 'by-price', ...text }),
        summed(),
        to('sums', text),
      );
      all.pipe(
        named(
          'large "ones" <b>',
          map(record => record),
        ),
      );
    });
    await expect(orders.mermaid()).toMatchFileSnapshot('golden/orders.mmd');
    expect(orders.mermaid()).toBe(orders.mermaid());
  });

  it('has every line in a form that Mermaid reads, whatever a step is called', () => {
    const line =
      /^(flowchart TB| {2}subgraph sub\d+\["[^"`<>]*"\]| {2}end| +[a-z]\d+(_\d+)?(\[\/|\(\[|\[\(|\[)"([^"`;&<>{}|#\\]|#\d+;|<br\/>)*"(\/\]|\]\)|\)\]|\])| {2}[a-z]\d+(_\d+)? (-->|---|-\.->) [a-z]\d+(_\d+)?)$/;
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), name => {
        const drawn = topology('t', b => {
          b.source('in', text).pipe(
            named(
              name,
              map(record => record),
            ),
            summed(),
            to('out', text),
          );
        }).mermaid();
        for (const each of drawn.trimEnd().split('\n')) expect(each).toMatch(line);
      }),
    );
  });

  it('draws the topic between two sub-topologies once', () => {
    const drawn = topology('t', b => {
      b.source('in', text).pipe(
        selectKey(({ value }) => value),
        repartition({ name: 'again', ...text }),
        summed(),
      );
    }).mermaid();
    expect(drawn.match(/again-repartition/g)).toHaveLength(1);
  });
});
