import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdHash } from '../event-id.ts';
import { GrowingEvidence, joinEvidence, type Sighting } from './evidence.ts';

const sighting = fc
  .record({
    sequence: fc.nat({ max: 300 }),
    timeUs: fc.nat({ max: 40 * 86_400 }).map(seconds => seconds * 1_000_000),
    replica: fc.constantFrom('', ...Array.from({ length: 20 }, (_, i) => `web-${i}`)),
    topic: fc.constantFrom('a', 'b'),
    partition: fc.nat({ max: 3 }),
    offset: fc.nat({ max: 1000 }),
  })
  .map(({ sequence, ...rest }): Sighting => {
    const origin = { cluster: 'c', node: 'n', agent: 'enforcer', bootId: 'b', sequence };
    return { ...rest, origin, hash: eventIdHash(origin) };
  });
const sightings = fc.array(sighting, { minLength: 1, maxLength: 120 });

function evidenceOf(events: readonly Sighting[]) {
  const evidence = new GrowingEvidence();
  for (const event of events) evidence.add(event);
  return evidence.record();
}

describe('evidence', () => {
  it('depends on the set of events alone, not on their order and repetition', () => {
    fc.assert(
      fc.property(sightings, fc.infiniteStream(fc.nat()), (events, random) => {
        const again = [...events, ...events]
          .map(event => ({ event, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect(evidenceOf(again)).toEqual(evidenceOf(events));
      }),
    );
  });

  it('is the same however the events were split into parts, and in whichever order the parts were joined', () => {
    fc.assert(
      fc.property(fc.array(sightings, { minLength: 1, maxLength: 5 }), parts => {
        const whole = evidenceOf(parts.flat());
        const records = parts.map(evidenceOf);
        expect(joinEvidence(records)).toEqual(whole);
        expect(joinEvidence(records.toReversed())).toEqual(whole);
        expect(joinEvidence([whole, ...records, whole])).toEqual(whole);
      }),
    );
  });

  it('counts exactly below 32 distinct events', () => {
    fc.assert(
      fc.property(sightings, events => {
        const distinct = new Set(events.map(({ hash }) => hash)).size;
        const { count, sketch } = evidenceOf(events);
        if (distinct < 32) expect(count).toBe(distinct);
        else expect(sketch).toHaveLength(32);
      }),
    );
  });

  it('estimates many events within three standard errors', () => {
    for (const events of [100, 10_000, 200_000]) {
      const evidence = new GrowingEvidence();
      for (let sequence = 0; sequence < events; sequence++) {
        const origin = { cluster: 'c', node: 'n', agent: 'enforcer', bootId: 'b', sequence };
        const hash = eventIdHash(origin);
        evidence.add({
          origin,
          hash,
          timeUs: sequence,
          replica: '',
          topic: 't',
          partition: 0,
          offset: sequence,
        });
      }
      const { count } = evidence.record();
      expect(Math.abs(count / events - 1)).toBeLessThan(0.54);
    }
  });

  it('keeps the three events of the smallest hashes, at the first place each was read', () => {
    const [a, b] = fc.sample(sighting, 2) as [Sighting, Sighting];
    const later = { ...a, topic: 'z' };
    expect(evidenceOf([later, a]).samples).toEqual(evidenceOf([a]).samples);
    expect(evidenceOf([a, b]).samples.length).toBe(a.hash === b.hash ? 1 : 2);
  });

  it('is null of nothing', () => expect(joinEvidence([])).toBeNull());
});
