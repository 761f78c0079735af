import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReadEvent } from '#formats';
import { parseAnyDocument } from '#policy';
import { knownEmitters } from '../pipelines/discovery/index.ts';
import type { EntityRecord } from '../pipelines/enrich/index.ts';
import {
  entities,
  eventMaker,
  keyOf,
  pods,
  type SampleEvent,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';
import { judge } from '../pipelines/verify/simulate/judge.ts';
import { RecordedDeeds } from '../pipelines/verify/simulate/recorded-deeds.ts';
import { Learning } from './discover-learning.ts';

const peers = ['10.1.0.10', '10.1.0.20', '10.96.0.7', '192.0.2.7', '2001:db8::9', '127.0.0.1'];
const paths = [
  '/etc/nginx/nginx.conf',
  '/etc/shadow',
  '/data/dump.rdb',
  '/data/temp-17.rdb',
  '/var/log/a.log',
  '/tmp/x-83',
];

/** What one container does, without when: that counts up. */
const deed: fc.Arbitrary<(make: ReturnType<typeof eventMaker>) => SampleEvent> = fc
  .record({
    pod: fc.constantFrom(...Object.values(pods)),
    what: fc.constantFrom('exec', 'open', 'network'),
    path: fc.constantFrom(...paths),
    mode: fc.constantFrom('r', 'w', 'rw'),
    operation: fc.constantFrom('CONNECT', 'ACCEPT', 'BIND', 'SOCKET'),
    transport: fc.constantFrom('TCP', 'UDP'),
    remoteAddress: fc.constantFrom(...peers),
    port: fc.constantFrom(80, 443, 6379, 6380),
  })
  .map(({ pod, what, path, mode, operation, transport, remoteAddress, port }) => make => {
    if (what === 'exec') return make.exec({ pod }, path);
    if (what === 'open') return make.open({ pod }, path, mode as 'r' | 'w' | 'rw');
    const ports = operation === 'CONNECT' ? { remotePort: port } : { localPort: port };
    return make.network({ pod }, { operation, transport, remoteAddress, ...ports } as object);
  });

const records = (): EntityRecord[] =>
  entities().map(value => ({ key: keyOf.entity(value), value, timestampMs: value.observedAt / 1000 }));
const read = (event: SampleEvent): ReadEvent => ({ topic: topicOf(event), event, subject: { labels: {} } });

function learned(events: readonly SampleEvent[], emit: (typeof knownEmitters)[number]) {
  const learning = new Learning({ emit: [emit] });
  for (const record of records()) learning.entity(record);
  for (const event of events) learning.event(read(event));
  return learning.finish();
}

function recorded(events: readonly SampleEvent[]): RecordedDeeds {
  const deeds = new RecordedDeeds();
  for (const record of records()) deeds.entity(record);
  for (const event of events) deeds.event(read(event));
  return deeds;
}

describe('policies tried on what they were learned from', () => {
  it.each(knownEmitters)('deny nothing of it on the side that told it, but what %s lost and told', emit => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 1, maxLength: 25 }), given => {
        const make = eventMaker();
        const events = given.map(each => each(make));
        const { policies } = learned(events, emit);
        const documents = policies.flatMap(policy => policy.documents.map(parseAnyDocument));
        const losses = policies.flatMap(policy => policy.losses);
        const { idle, ...found } = judge(recorded(events), documents);
        const denied = found.denied.filter(({ isConcluded }) => !isConcluded);
        expect(idle).toEqual([]);
        if (losses.length === 0) expect(denied.map(({ what }) => what)).toEqual([]);
        for (const { access } of denied)
          expect(losses.join('\n')).toContain(
            access.object || access.peer?.value || access.peer?.workload || '',
          );
      }),
      { numRuns: 150 },
    );
  });

  it('say the same whatever the order of the events', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 2, maxLength: 20 }), fc.nat(), (given, at) => {
        const make = eventMaker();
        const events = given.map(each => each(make));
        const half = events.slice(0, Math.ceil(events.length / 2));
        const { policies } = learned(half, 'kubernetes');
        const documents = policies.flatMap(policy => policy.documents.map(parseAnyDocument));
        const cut = at % events.length;
        const turned = [...events.slice(cut), ...events.slice(0, cut)];
        expect(judge(recorded(turned), documents)).toEqual(judge(recorded(events), documents));
      }),
      { numRuns: 100 },
    );
  });
});
