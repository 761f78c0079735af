import { describe, expect, it } from 'vitest';
import { textSerde } from '#schemas';
import { aggregate, keyValueStore, merge, repartition, selectKey, to, topology } from '../index.ts';
import { planOf } from './plan.ts';

const text = { key: textSerde, value: textSerde };
const store = (name: string) => keyValueStore({ name, ...text });
const last = (name: string) =>
  aggregate<string, string, string>({ store: store(name), initial: () => '', add: (_, { value }) => value });

describe('the plan', () => {
  it('has a task for each partition of the widest topic, and topics for what they need', () => {
    const { graph } = topology('t', b => {
      b.source('in', text).pipe(
        last('first'),
        selectKey(({ value }) => value),
        repartition({ name: 'moved', ...text }),
        last('second'),
        to('out', text),
      );
    });
    const plan = planOf(graph, 'app', () => 6);
    expect(plan.parts.map(({ partitions }) => partitions)).toEqual([6, 6]);
    expect(plan.sources).toEqual(['in', 'app-moved-repartition']);
    expect(plan.internal).toEqual([
      { topic: 'app-moved-repartition', partitions: 6, cleanup: 'delete' },
      { topic: 'app-first-changelog', partitions: 6, cleanup: 'compact' },
      { topic: 'app-second-changelog', partitions: 6, cleanup: 'compact' },
      { topic: 'app-checkpoints', partitions: 6, cleanup: 'compact' },
    ]);
  });

  it('lets topics of different widths be merged where no state is shared', () => {
    const { graph } = topology('t', b => {
      merge(b.source('narrow', text), b.source('wide', text)).pipe(to('out', text));
    });
    expect(planOf(graph, 'app', topic => (topic === 'wide' ? 5 : 2)).parts[0]!.partitions).toBe(5);
  });

  it('follows repartitions of repartitions', () => {
    const { graph } = topology('t', b => {
      b.source('in', text).pipe(
        repartition({ name: 'one', ...text }),
        repartition({ name: 'two', ...text }),
        last('end'),
      );
    });
    expect(planOf(graph, 'app', () => 3).parts.map(({ partitions }) => partitions)).toEqual([3, 3, 3]);
  });

  it('gives a repartition the width of the topic it meets state with', () => {
    const { graph } = topology('t', b => {
      const shared = store('shared');
      const add = {
        store: shared,
        initial: () => '',
        add: (_: string, { value }: { value: string }) => value,
      };
      b.source('narrow', text).pipe(aggregate(add));
      b.source('wide', text).pipe(repartition({ name: 'moved', ...text }), aggregate(add));
    });
    const plan = planOf(graph, 'app', topic => (topic === 'wide' ? 5 : 2));
    expect(plan.internal.find(({ cleanup }) => cleanup === 'delete')?.partitions).toBe(2);
  });

  it('gives a repartition the width it was told, and refuses one that does not fit', () => {
    const told = (partitions: number) =>
      topology('t', b => {
        const moved = b.source('in', text).pipe(repartition({ name: 'moved', ...text, partitions }));
        merge(moved, b.source('other', text)).pipe(last('end'));
      }).graph;
    expect(planOf(told(4), 'app', () => 4).internal[0]!.partitions).toBe(4);
    expect(() => planOf(told(3), 'app', () => 4)).toThrow(/moved 3, other 4/);
  });

  it('puts streams that share a store into one sub-topology', () => {
    const { graph } = topology('t', b => {
      const shared = store('shared');
      const add = {
        store: shared,
        initial: () => '',
        add: (_: string, { value }: { value: string }) => value,
      };
      b.source('one', text).pipe(aggregate(add));
      b.source('two', text).pipe(aggregate(add));
    });
    expect(graph.subTopologies().length).toBe(1);
    expect(() => planOf(graph, 'app', topic => topic.length)).not.toThrow();
    expect(() => planOf(graph, 'app', topic => (topic === 'one' ? 1 : 2))).toThrow(/one 1, two 2/);
  });

  it('refuses two stores of one name', () => {
    expect(() =>
      topology('t', b => {
        const input = b.source('in', text);
        input.pipe(last('same'));
        input.pipe(last('same'));
      }),
    ).toThrow(/two stores are called same/);
  });
});
