import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readText } from './read-text.ts';

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -5, max: 70_000 }),
  fc.double(),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('FORWARDED', 'DROPPED', '80', '10.0.0.1', 'reserved:world', 'k8s:app=web', '/a b', 'TRUE'),
);

/** Any value under the names that a reader looks for, of whatever type. */
const anyValue = (names: readonly string[], depth: number): fc.Arbitrary<unknown> =>
  depth === 0
    ? scalar
    : fc.oneof(
        { weight: 2, arbitrary: scalar },
        fc.array(scalar, { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), anyValue(names, depth - 1), { maxKeys: 6 }),
      );

const formats = [
  [
    'hubble',
    `flow verdict IP ip source destination l4 TCP UDP SCTP ICMPv4 ICMPv6 source_port destination_port flags SYN ACK type
    labels namespace pod_name workloads kind name l7 http dns query ips ttl rcode method url time is_reply reply node_name
    traffic_direction drop_reason drop_reason_desc sock_xlate_point lost_events num_events_lost cluster_name
    destination_names source_names trace_observation_point value`,
  ],
  [
    'kubearmor',
    `Operation Resource Source Data Result Action ProcessName ParentProcessName NamespaceName PodName ContainerName
    ContainerID ClusterName HostName Labels Owner Ref Name Timestamp UpdatedTime HostPID PID UID Type operation resource`,
  ],
] as const;

describe.each(formats)('records of %s', (format, text) => {
  const names = text.split(/\s+/);

  it('end in one outcome each, whatever their fields hold', () => {
    const record = fc.dictionary(fc.constantFrom(...names), anyValue(names, 3), { minKeys: 1, maxKeys: 12 });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), records => {
        const outcomes = readText(format, records.map(each => JSON.stringify(each)).join('\n'));
        const told = outcomes.filter(outcome => !('isDeferred' in outcome && outcome.isDeferred));
        expect(told.map(({ place }) => place.line)).toEqual(records.map((_, index) => index + 1));
      }),
      { numRuns: 500 },
    );
  });
});
