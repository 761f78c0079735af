import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { ContractBench, eventually, type Observed, outgoing, until } from './contract-bench.ts';
import { numbersOf } from './group-members.ts';
import { kafkaClient } from './kafkajs-client.ts';

const bootstrapServers = inject('bootstrapServers');

describe('membership on a real broker', () => {
  let bench: ContractBench;
  let others: kafkajs.Consumer[];
  beforeEach(() => {
    bench = new ContractBench(() => kafkaClient({ bootstrapServers, clientId: 'membership-test' }));
    others = [];
  });
  afterEach(async () => {
    await Promise.all(others.map(consumer => consumer.disconnect()));
    await bench.close();
  });

  /** A member that is not of this version: its assigner is one of its own. */
  async function other(assigner: PartitionAssigner): Promise<{ held(): number[] }> {
    const brokers = [bootstrapServers].flat();
    const consumer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).consumer({
      groupId: bench.groupId,
      partitionAssigners: [assigner],
      heartbeatInterval: 300,
      maxWaitTimeInMs: 100,
      retry: { initialRetryTime: 50 },
    });
    others.push(consumer);
    let held: number[] = [];
    consumer.on('consumer.group_join', ({ payload }) => {
      held = payload.memberAssignment[bench.topic] ?? [];
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [bench.topic] });
    await consumer.run({ eachMessage: async () => {} });
    return { held: () => held };
  }

  const numbers = (seen: Observed) => [...numbersOf(seen.held)];

  it('works with members of the version that told nothing, whoever leads, while all are replaced', async () => {
    await bench.topicOf(6);
    const old = await other(silentAssigner);
    await until('all with the old', () => old.held().length === 6);
    const one = await bench.consume({ standbys: 1, member: () => ({ endpoint: 'one:1', warm: [] }) });
    await until('three with the new', () => one.held.length === 3);
    // The old one leads, and tells nothing of itself.
    expect(one.group).toEqual({ me: one.group!.me, members: [one.group!.me] });
    expect(one.group!.me).toMatchObject({ endpoint: 'one:1', partitions: numbers(one), standbys: [] });
    const two = await bench.consume({ standbys: 1, member: () => ({ endpoint: 'two:2', warm: [] }) });
    await until('two each', () => one.held.length === 2 && two.held.length === 2 && old.held().length === 2);
    await others.pop()!.disconnect();
    await until('the new alone', () => one.held.length === 3 && two.held.length === 3);
    expect(one.group!.members.map(member => member.endpoint).sort()).toEqual(['one:1', 'two:2']);
    expect(one.group!.me.standbys).toEqual(numbers(two));
    // Now a new one leads; an old one that comes back is given its share, and no copies to keep.
    const back = await other(silentAssigner);
    await until('two each again', () => one.held.length === 2 && two.held.length === 2);
    expect([...numbers(one), ...numbers(two), ...back.held()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const [stranger] = one.group!.members.filter(member => member.endpoint === null);
    expect(stranger).toMatchObject({ partitions: back.held(), standbys: [] });
    const copied = one.group!.members.flatMap(member => member.standbys);
    expect(copied.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('describes a group of other software with what is known', async () => {
    const topic = await bench.topicOf(2);
    const seen = await other(kafkajs.PartitionAssigners.roundRobin);
    await until('joined', () => seen.held().length === 2);
    const admin = await bench.client().admin();
    const { members, state } = (await admin.group(bench.groupId))!;
    expect(state).toBe('Stable');
    expect(members).toMatchObject([
      { endpoint: null, standbys: [], partitions: [0, 1], clientId: 'kafkajs' },
    ]);
    expect(members[0]!.holds).toEqual([0, 1].map(partition => ({ topic, partition })));
  });

  it('lives through an onAssigned that takes longer than the session and keeps the event loop busy', async () => {
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, ['x']));
    const busyMs = 300;
    const seen = await bench.consume(
      { sessionTimeoutMs: 6_000 },
      {
        async onAssigned() {
          for (const until = performance.now() + 9_000; performance.now() < until; ) {
            const sliceEnd = performance.now() + busyMs;
            while (performance.now() < sliceEnd);
            await new Promise(setImmediate);
          }
        },
      },
    );
    await until('handled', () => seen.records.length === 1);
    await seen.consumer.commit([{ topic, partition: 0, offset: 1 }]);
    expect(seen.events).toEqual(['assigned 1']);
    await eventually(() => bench.committed(), [[0, 1]]);
  });

  it('ends for one that lost its session unknowingly at its next commit, which commits nothing', async () => {
    const topic = await bench.topicOf(1);
    await bench.send(outgoing(topic, ['x']));
    const seen = await bench.consume({ sessionTimeoutMs: 6_000 });
    await until('handled', () => seen.records.length === 1);
    // The event loop stands still: no heartbeat leaves, as in a process that was suspended.
    const woken = performance.now() + 8_000;
    while (performance.now() < woken);
    await expect(seen.consumer.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'REBALANCED',
    });
    expect(await bench.committed()).toEqual([]);
    await until('joined again', () => seen.events.length === 3);
    expect(seen.events).toEqual(['assigned 1', 'revoked 1', 'assigned 1']);
  });
});

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** Partition p of each topic to the p-th member, saying nothing else: what members of the first version do. */
const silentAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'sluice-by-number',
  version: 0,
  protocol: ({ topics }) => ({
    name: 'sluice-by-number',
    metadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
  assign: async ({ members, topics }) => {
    const ids = members.map(member => member.memberId).sort();
    return ids.map((memberId, turn) => {
      const assignment = topics.map(topic => {
        const all = cluster.findTopicPartitionMetadata(topic).map(at => at.partitionId);
        return [topic, all.filter(partition => partition % ids.length === turn)];
      });
      return {
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: 0,
          assignment: Object.fromEntries(assignment),
          userData: Buffer.alloc(0),
        }),
      };
    });
  },
});
