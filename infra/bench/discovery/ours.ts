/** Sluice: what `sluice discover --emit cilium` does with events as its agents send them; and the same as NetworkPolicies. */

import { parseAnyDocument } from '#policy';
import {
  type Container,
  type EntityChange,
  entityKey,
  type NetworkEvent,
  type Origin,
  withDefaults,
} from '#schemas';
import { Learning } from '../../../cli/discover-learning.ts';
import { policyDefaults } from '../../../pipelines/discovery/index.ts';
import { isPod, type Nature, type Report, reporter } from './activity.ts';
import { clusterName } from './cluster.ts';
import type { Pod } from './pod-lives.ts';
import type { System, Written } from './system.ts';

export class Ours implements System {
  readonly name = 'sluice';
  readonly #learning = new Learning({
    emit: ['cilium', 'kubernetes'],
    policy: { ...policyDefaults, widen: true },
  });
  /** Where services are, by the name of who serves: what a client calls. */
  readonly #serviceAddress: (workload: Pod['workload']) => string;

  constructor(serviceAddress: (workload: Pod['workload']) => string) {
    this.#serviceAddress = serviceAddress;
  }

  change(change: EntityChange): void {
    const timestampMs = Math.floor(change.observedAt / 1000);
    this.#learning.entity({ key: entityKey(change), value: change, timestampMs });
  }

  take(report: Report): void {
    const { activity, side } = report;
    const { question, timeUs: time, nature } = activity;
    const pod = reporter(report) as Pod;
    const head = {
      process: null,
      origin: originOf(report, pod),
      time,
      container: containerOf(pod),
      verdict: verdicts[nature],
    };
    const subject = { labels: {} };
    if (question && side === 'client') {
      const serverAddress = isPod(activity.server) ? this.#serviceAddress(activity.server.workload) : '';
      const dns = {
        query: question.name,
        addresses: [...question.addresses],
        ttlSeconds: question.ttlSeconds,
      };
      const event = { ...head, dns: withDefaults('DnsAnswer', { ...dns, serverAddress }) };
      this.#learning.event({ topic: 'events.dns.v1', event, subject });
    } else {
      const event = { ...head, network: this.#network(report) };
      this.#learning.event({ topic: 'events.network.v1', event, subject });
    }
  }

  written(): Written {
    return this.writtenAs('CiliumNetworkPolicy');
  }

  writtenAs(kind: 'CiliumNetworkPolicy' | 'NetworkPolicy'): Written {
    const { policies } = this.#learning.snapshot();
    const events = policies.map(({ confidence }) => confidence?.events ?? 0);
    const total = events.reduce((sum, each) => sum + each, 0);
    const unseen = policies.map(({ confidence }, i) => (confidence?.unseenMass ?? 1) * events[i]!);
    const documents = policies.flatMap(each => each.documents.filter(document => document.kind === kind));
    return {
      policies: documents.map(parseAnyDocument),
      unseenMass: total === 0 ? 1 : unseen.reduce((sum, each) => sum + each, 0) / total,
    };
  }

  /** Connections are the enforcer's; requests and datagrams Hubble's. */
  #network({ activity, side }: Report): NetworkEvent['network'] {
    const { client, server, transport, port, servicePort, request, timeUs } = activity;
    const clientPort = 32_768 + (Math.floor(timeUs / 1000) % 28_000);
    const isFlow = request !== null || transport === 'UDP';
    const isClient = side === 'client';
    const viaService = isClient && !isFlow && isPod(server) && !server.workload.hostNetwork;
    return withDefaults('NetworkAccess', {
      operation: isFlow ? 'FLOW' : isClient ? 'CONNECT' : 'ACCEPT',
      direction: isClient ? 'EGRESS' : 'INGRESS',
      transport,
      localPort: isClient ? clientPort : port,
      remotePort: isClient ? (viaService ? servicePort : port) : clientPort,
      remoteAddress: viaService
        ? this.#serviceAddress(server.workload)
        : (isClient ? server : client).address,
      http: request,
    });
  }
}

/** The same learning, written in a form that knows no requests and no names: wider where it has to be, with `widen`. */
export class OursAsNetworkPolicy implements System {
  readonly name = 'sluice (NetworkPolicy)';
  readonly #ours: Ours;

  /** `ours` is told what there is to learn. */
  constructor(ours: Ours) {
    this.#ours = ours;
  }

  change(): void {}

  take(): void {}

  written(): Written {
    return this.#ours.writtenAs('NetworkPolicy');
  }
}

const verdicts: Readonly<Record<Nature, NetworkEvent['verdict']>> = {
  ...{ benign: 'ALLOW', plain: 'ALLOW', alerted: 'AUDIT', denied: 'DENY' },
};

function originOf({ sequence }: Report, { node }: Pod): Origin {
  return { cluster: clusterName, node, agent: 'enforcer', bootId: 'boot-1', sequence };
}

function containerOf({ uid, name, workload }: Pod): Container {
  return withDefaults('Container', {
    ...{ id: `${uid}-main`, name: 'main', image: `${workload.name}:1`, pod: name, podUid: uid },
    ...{ namespace: workload.namespace, workloadKind: workload.kind, workload: workload.name },
  });
}
