import { describe, expect, inject, it } from 'vitest';
import { kafkaClient } from '#kafka';
import { systemClock as clock } from '../runtime/system-clock.ts';
import { type Application, launch } from './application.ts';
import { guarantees } from './counting.ts';
import { feed } from './feeder.ts';
import { countings, Words, writtenCounts } from './ledger.ts';
import { seeded } from './random.ts';
import { outputViolations } from './verdict.ts';

const bootstrapServers = inject('bootstrapServers');

describe('an application whose processes become more and fewer while words come in', () => {
  for (const guarantee of guarantees) {
    it(`counts each of them once, by 1, 2, 3, 2 and 1 of them (${guarantee})`, async () => {
      const name = `scale-${crypto.randomUUID()}`;
      const client = kafkaClient({ bootstrapServers, clientId: name });
      const running: Application[] = [];
      const feeding = new AbortController();
      try {
        const admin = await client.admin();
        await admin.createTopics(
          ['words', ...countings, 'dead'].map(topic => ({ topic: `${name}-${topic}`, partitions: 4 })),
        );
        const words = new Words({ client, admin }, `${name}-words`);
        const fed = feed({
          ...{ client, topic: words.topic, clock, random: seeded(1), words: 100 },
          ...{ ratePerSecond: 1_000, signal: feeding.signal },
        });
        const holders = async () => {
          const { members, state } = (await admin.group(name)) ?? { members: [], state: '' };
          return state === 'Stable' ? members.filter(({ partitions }) => partitions.length > 0).length : 0;
        };
        const begin = async () => {
          running.push(launch({ bootstrapServers, name, guarantee, clientId: `${name}-${running.length}` }));
          await running.at(-1)!.started;
        };
        const workFor = (count: number) =>
          expect
            .poll(holders)
            .toBe(count)
            .then(() => clock.sleep(1_500));
        for (const count of [1, 2, 3]) await begin().then(() => workFor(count));
        for (const count of [2, 1]) {
          await running.shift()!.close();
          await workFor(count);
        }
        feeding.abort();
        await fed;
        await words.catchUp();
        const committed = async () => {
          const offsets = await admin.committed(name, [words.topic]);
          return offsets.reduce((sum, { offset }) => sum + offset, 0);
        };
        await expect.poll(committed).toBe(words.size);
        const counters = await running.shift()!.close();
        expect(words.size).toBeGreaterThan(5_000);
        // The last process has what others had before.
        expect(counters['restore.records']).toBeGreaterThan(0);
        for (const counting of countings) {
          const written = await writtenCounts({ client, admin }, name, counting);
          expect(outputViolations(words.expected(counting), written, guarantee)).toEqual([]);
        }
      } finally {
        feeding.abort();
        for (const { child } of running) child.kill('SIGKILL');
        await client.close();
      }
    }, 120_000);
  }
});
