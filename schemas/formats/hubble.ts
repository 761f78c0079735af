/**
 * Hubble flows → network and DNS events: lines of `hubble observe -o jsonpb`, or an array of flows.
 *
 * A flow is something its client does (egress) and its server does (ingress). Replies say the same of the two as what they
 * answer. Of a flow with a direction the side it was seen at says it; the other one is concluded at the end, unless it
 * said something itself (unheard-sides.ts): what was let out by one and dropped by the other is not learned of the other.
 */

import type { Container, Endpoint, NetworkAccess } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { type Fields, fieldsOf, numberOf } from './fields.ts';
import {
  dnsPort,
  type Flow,
  type FlowEnd,
  icmpRequestOf,
  isFromClient,
  isPod,
  readFlow,
} from './hubble-flow.ts';
import type { Place } from './json-objects.ts';
import { type JsonFormat, jsonReader, LineSequence, type RecordOutcome } from './json-records.ts';
import type { FormatReader, Outcome, ReadEvent, ReaderOptions } from './outcome.ts';
import { UnheardSides } from './unheard-sides.ts';

export function hubbleReader(options: ReaderOptions): FormatReader {
  return jsonReader(new Hubble(options));
}

/** Keys of a line that is something else than a flow. */
const otherLines = ['node_status', 'agent_event', 'debug_event', 'nodeStatus', 'agentEvent', 'debugEvent'];

interface Sides {
  readonly client: FlowEnd;
  readonly server: FlowEnd;
}

class Hubble implements JsonFormat {
  readonly #options: ReaderOptions;
  readonly #sequence = new LineSequence();
  readonly #unheard = new UnheardSides<{ readonly place: Place; readonly event: ReadEvent }>();
  /** Of flows without a time: that of the one before. */
  #timeUs = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.read = this.read.bind(this);
    this.conclude = this.conclude.bind(this);
  }

  read(object: Fields, place: Place): RecordOutcome {
    const lost = object.lost_events ?? object.lostEvents;
    if (lost !== undefined) {
      const { num_events_lost, numEventsLost } = fieldsOf(lost);
      return { skipped: 'lost by Hubble', lost: numberOf(num_events_lost ?? numEventsLost) ?? 1 };
    }
    if (otherLines.some(key => object[key] !== undefined)) return { skipped: 'no flow' };
    const flow = readFlow(object);
    if (typeof flow === 'string') return { bad: flow };
    this.#timeUs = flow.timeUs ?? this.#timeUs;
    if (flow.isHalfTranslated) return { skipped: 'a call before its address was exchanged, or its way back' };
    const fromClient = isFromClient(flow);
    if (fromClient === undefined) return { skipped: 'who opened the connection is not told' };
    const { source, destination } = flow;
    const sides = fromClient
      ? { client: source, server: destination }
      : { client: destination, server: source };
    if (!isPod(sides.client) && !isPod(sides.server)) return { skipped: 'no pod at either end' };
    if (flow.transport === 'OTHER') return { skipped: 'no transport' };
    const events = [...this.#ofSides(flow, sides, place), ...this.#questions(flow, sides, place)];
    return events.length === 0 ? { skipped: 'seen at the other end' } : { events };
  }

  conclude(): readonly Outcome[] {
    const { unconcluded } = this.#unheard;
    const concluded = this.#unheard.conclude();
    const outcomes: Outcome[] = concluded.map(({ place, event }) => ({
      place,
      events: [event],
      isDeferred: true,
    }));
    if (unconcluded === 0) return outcomes;
    const skipped = 'too many pairs to conclude the other side of';
    return [
      ...outcomes,
      { place: { line: 0, offsetBytes: 0 }, skipped, lost: unconcluded, isDeferred: true },
    ];
  }

  *#ofSides(flow: Flow, sides: Sides, place: Place): Generator<ReadEvent> {
    const { client, server } = sides;
    const egress = isPod(client) ? this.#event(flow, sides, 'EGRESS', place) : undefined;
    const ingress = isPod(server) ? this.#event(flow, sides, 'INGRESS', place) : undefined;
    const isProven = flow.direction === 'NONE' || flow.isReply === true || flow.hasArrived;
    const heard = (which: 'EGRESS' | 'INGRESS') =>
      flow.direction === which || (isProven && flow.verdict === 'ALLOW');
    for (const [which, event] of [
      ['EGRESS', egress],
      ['INGRESS', ingress],
    ] as const) {
      if (event === undefined) continue;
      const side = sideKey(flow, sides, which);
      if (heard(which) || (flow.direction === 'NONE' && flow.verdict !== 'ALLOW')) {
        this.#unheard.heard(side);
        yield event;
      } else if (flow.verdict === 'ALLOW') this.#unheard.told(side, { place, event });
    }
  }

  #event(flow: Flow, { client, server }: Sides, which: 'EGRESS' | 'INGRESS', place: Place): ReadEvent {
    const [local, remote] = which === 'EGRESS' ? [client, server] : [server, client];
    const { transport, icmpType, http } = flow;
    const network: NetworkAccess = withDefaults('NetworkAccess', {
      operation: 'FLOW',
      direction: which,
      transport,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
      icmpType: requestType(transport, icmpType),
      remote: endpointOf(remote),
      http,
    });
    const event = { ...this.#head(flow, local, place), network, verdict: flow.verdict };
    return { topic: 'events.network.v1', event, subject: { labels: local.labels } };
  }

  /** What a name was asked for, and what was answered; of a question alone no addresses. */
  *#questions(flow: Flow, { client, server }: Sides, place: Place): Generator<ReadEvent> {
    const { dns, verdict } = flow;
    if (!dns || !isPod(client)) return;
    const { query, addresses, ttlSeconds, responseCode } = dns;
    const answer = {
      query,
      addresses,
      ttlSeconds,
      responseCode,
      ...(server.port === dnsPort
        ? { serverAddress: server.address, server: endpointOf(server) }
        : { serverAddress: '', server: null }),
    };
    const event = { ...this.#head(flow, client, place), dns: answer, verdict };
    yield { topic: 'events.dns.v1', event, subject: { labels: client.labels } };
  }

  #head({ node }: Flow, { cluster, namespace, pod, workloadKind, workload }: FlowEnd, place: Place) {
    const { input } = this.#options;
    const bootId = `${input}:${place.line}`;
    const origin = {
      cluster: cluster || this.#options.cluster,
      node,
      agent: 'feeder/hubble',
      bootId,
      sequence: this.#sequence.next(place),
    };
    const container: Container = withDefaults('Container', {
      id: '',
      namespace,
      pod,
      workloadKind,
      workload,
    });
    return { origin, time: this.#timeUs, container, process: null };
  }
}

/** What Hubble tells of the other side. */
function endpointOf({ namespace, pod, labels, entity, names }: FlowEnd): Endpoint {
  const dnsNames = names.map(name => name.toLowerCase().replace(/\.$/, ''));
  return { namespace, pod, labels, entity, dnsNames };
}

function requestType(transport: Flow['transport'], type: number | null): number | null {
  if (type === null || (transport !== 'ICMP' && transport !== 'ICMPV6')) return type;
  return icmpRequestOf[transport][type] ?? type;
}

/** One side of all flows between two, on one port. */
function sideKey({ transport, icmpType, http }: Flow, { client, server }: Sides, which: string): string {
  const nameOf = ({ namespace, pod, entity, address }: FlowEnd) => `${namespace}/${pod || address}/${entity}`;
  const request = http ? `${http.method} ${http.path}` : '';
  return `${which} ${nameOf(client)} ${nameOf(server)} ${transport} ${server.port} ${icmpType ?? ''} ${request}`;
}
