import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BehaviourProfile, localSerdes } from '#schemas';
import { type CrashPoint, crashPoints, manualClock, testDriver } from '#streams';
import { entities, keyOf, ordinaryEvents, type SampleEvent, topicOf } from './sample-cluster.ts';
import { enrichTopology } from './topology.ts';

const serdes = localSerdes();
const settings = { flushMs: 100, evidenceMs: 100, holdMs: 60_000 };

interface Run {
  readonly events: readonly SampleEvent[];
  /** After how many events the entities become known. */
  readonly knownAfter: number;
  readonly crash?: { readonly after: number; readonly point: CrashPoint };
}

/** The last snapshot of every profile, events going in one by one. */
function profiles({ events, knownAfter, crash }: Run) {
  const driver = testDriver(enrichTopology({ tenant: 'default', serdes, settings }), {
    clock: manualClock(1_000_000),
  });
  const time = () => {
    driver.advance(settings.flushMs);
    if (driver.crashed) driver.recover();
  };
  const tell = () =>
    driver.pipe(
      'default.entities.v1',
      entities().map(value => ({ key: keyOf.entity(value), value })),
    );
  for (const [index, value] of events.entries()) {
    if (index === knownAfter) tell();
    if (index === crash?.after) driver.crashAt(crash.point);
    driver.pipe(`default.${topicOf(value)}`, { key: keyOf.event(value), value });
    if (driver.crashed) driver.recover();
    if (index % 3 === 0) time();
  }
  if (knownAfter >= events.length) tell();
  for (let i = 0; i < 4; i++) time();
  const records = driver.read<string, BehaviourProfile>('default.behaviours.v1');
  return new Map(
    records.map(({ key, value }) => [key, value]).sort(([a], [b]) => (a! < b! ? -1 : 1)) as [
      string,
      BehaviourProfile,
    ][],
  );
}

describe('enrich, killed at any moment', () => {
  const ordinary = ordinaryEvents();
  const expected = profiles({ events: ordinary, knownAfter: 0 });

  it('ends with the same profiles, evidence and offsets included, whatever step of a checkpoint it died at', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...crashPoints),
        fc.nat(ordinary.length - 1),
        fc.nat(ordinary.length),
        (point, after, knownAfter) => {
          expect(profiles({ events: ordinary, knownAfter, crash: { after, point } })).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});
