import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdHash } from '../event-id.ts';
import { GrowingEvidence, joinEvidence } from './evidence.ts';
import { EvidenceRows, type Sighting } from './evidence-rows.ts';

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

  it('counts exactly up to eight distinct events', () => {
    fc.assert(
      fc.property(sightings, events => {
        const distinct = new Set(events.map(({ hash }) => hash)).size;
        const { count, sketch } = evidenceOf(events);
        if (distinct <= 8) expect(count).toBe(distinct);
        else expect(count).toBeGreaterThan(8);
        expect(sketch.length).toBeLessThanOrEqual(8);
      }),
    );
  });

  it('estimates many events within three standard errors', () => {
    for (const events of [20, 60, 100, 1_000, 10_000, 200_000]) {
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

  it('keeps the two events of the smallest hashes, at the first place each was read', () => {
    const [a, b] = fc.sample(sighting, 2) as [Sighting, Sighting];
    const later = { ...a, topic: 'z' };
    expect(evidenceOf([later, a]).samples).toEqual(evidenceOf([a]).samples);
    expect(evidenceOf([a, b]).samples.length).toBe(a.hash === b.hash ? 1 : 2);
  });

  it('reads the sketches of before: up to 32 hashes of 53 bits', () => {
    fc.assert(
      fc.property(sightings, events => {
        const hashes = [...new Set(events.map(({ hash }) => hash))].sort((a, b) => a - b).slice(0, 32);
        const before = { ...evidenceOf(events), sketch: hashes };
        const { sketch } = joinEvidence([before])!;
        if (hashes.length < 32) expect(sketch).toEqual(evidenceOf(events).sketch);
        expect(joinEvidence([before, evidenceOf(events)])!.sketch).toEqual(evidenceOf(events).sketch);
      }),
    );
  });

  it('forgets places, replicas and days that no row needs any more', () => {
    const rows = new EvidenceRows();
    rows.push();
    const all = new GrowingEvidence();
    for (let sequence = 0; sequence < 20_000; sequence++) {
      const origin = { cluster: 'c', node: 'n', agent: 'a', bootId: `file:${sequence}`, sequence: 0 };
      const replica = `web-${20_000 - sequence}`;
      const where = { topic: 't', partition: 0, offset: sequence };
      const event = {
        origin,
        hash: eventIdHash(origin),
        timeUs: sequence * 3_600_000_000,
        replica,
        ...where,
      };
      rows.add(0, event);
      all.add(event);
      if (sequence % 1000 === 0) expect(rows.sharedValues).toBeLessThan(64);
    }
    expect(rows.record(0)).toEqual(all.record());
    expect(rows.record(0)).toMatchObject({
      replicas: expect.arrayContaining(['web-1']),
      days: { length: 31 },
    });
  });

  it('is null of nothing', () => expect(joinEvidence([])).toBeNull());
});
