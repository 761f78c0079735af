import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaClient, type LogClient } from '#kafka';
import { type LoneBroker, startLoneBroker } from '../../../infra/local/lone-broker.ts';
import { systemClock as clock } from '../runtime/system-clock.ts';
import { type Application, launch } from './application.ts';
import type { Guarantee } from './counting.ts';
import { countings, Words, writtenCounts } from './ledger.ts';
import { shortSessions } from './short-sessions.ts';
import { outputViolations } from './verdict.ts';

const entries = 150_000;
const sessionTimeoutMs = 1_200;
const names = Array.from({ length: entries }, (_, index) => `word-${index}`);

interface TakeOver {
  /** From the kill to the first output of the successor. */
  readonly tookMs: number;
  /** Entries that the successor read from the changelogs before it went on. */
  readonly restored: number;
  readonly violations: readonly string[];
}

describe('a member that is killed', () => {
  let broker: LoneBroker;
  let client: LogClient;
  const running: Application[] = [];
  beforeAll(async () => {
    broker = await startLoneBroker({ settings: shortSessions });
    client = kafkaClient({ bootstrapServers: broker.bootstrapServers, clientId: 'standby-test' });
  }, 120_000);
  afterAll(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await client.close();
    await broker.release();
  });

  /** Three members, of which one has all the words and is killed. */
  const takeOver = async (name: string, guarantee: Guarantee, standbys: number): Promise<TakeOver> => {
    const { bootstrapServers } = broker;
    const admin = await client.admin();
    const producer = await client.producer();
    await admin.createTopics(
      ['words', ...countings, 'dead'].map(topic => ({ topic: `${name}-${topic}`, partitions: 1 })),
    );
    const words = new Words({ client, admin }, `${name}-words`);
    const send = (keys: readonly string[]) => {
      const value = Buffer.from('x');
      const timestampMs = clock.now();
      return producer.send(
        keys.map(key => ({ topic: words.topic, key: Buffer.from(key), value, timestampMs })),
      );
    };
    const committed = async () => (await admin.committed(name, [words.topic]))[0]?.offset ?? 0;
    await send(names);
    const options = { sessionTimeoutMs, standbys, standbyIntervalMs: 100 };
    const members = [0, 1, 2].map(index =>
      launch({ bootstrapServers, name, guarantee, clientId: `${name}-${index}`, options }),
    );
    running.push(...members);
    await Promise.all(members.map(({ started }) => started));
    await expect.poll(committed, { timeout: 60_000 }).toBe(entries);
    const group = async () => (await admin.group(name))?.members ?? [];
    const isSettled = async () => {
      const found = await group();
      const copies = found.reduce((sum, member) => sum + member.standbys.length, 0);
      return found.length === 3 && found.some(({ holds }) => holds.length > 0) && copies === standbys;
    };
    await expect.poll(isSettled, { timeout: 30_000 }).toBe(true);
    // Time for the copy to be made.
    await clock.sleep(4_000);

    const owner = (await group()).find(({ holds }) => holds.length > 0)!;
    const victim = members[Number(owner.clientId.at(-1))]!;
    const [before] = await admin.offsets(`${name}-totals`);
    const beganMs = clock.now();
    victim.child.kill('SIGKILL');
    await send(['word-0', 'word-1']);
    const outputs = async () => (await admin.offsets(`${name}-totals`))[0]!.latest - before!.latest;
    await expect.poll(outputs, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
    const tookMs = clock.now() - beganMs;
    await expect.poll(committed).toBe(entries + 2);
    const others = members.filter(member => member !== victim);
    const counters = await Promise.all(others.map(member => member.close()));
    await words.catchUp();
    const violations: string[] = [];
    for (const counting of countings) {
      const written = await writtenCounts({ client, admin }, name, counting);
      violations.push(...outputViolations(words.expected(counting), written, guarantee));
    }
    const restored = counters.reduce((sum, each) => sum + (each['restore.records'] ?? 0), 0);
    return { tookMs, restored, violations };
  };

  it('is followed by one that has a copy of its state, or reads all of it', async () => {
    const without = await takeOver('without', 'at-least-once', 0);
    const withCopy = await takeOver('with', 'at-least-once', 1);
    const exact = await takeOver('exact', 'exactly-once', 1);
    const figures = `${entries} words: ${JSON.stringify({ without, withCopy, exact })}`;
    for (const { violations } of [without, withCopy, exact]) expect(violations, figures).toEqual([]);
    expect(without.restored, figures).toBeGreaterThanOrEqual(2 * entries);
    expect(withCopy.restored, figures).toBeLessThan(entries / 100);
    expect(exact.restored, figures).toBeLessThan(entries / 100);
    expect(withCopy.tookMs, figures).toBeLessThan(without.tookMs);
    process.stderr.write(`${figures}\n`);
  }, 240_000);
});
