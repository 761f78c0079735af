/**
 * The finite universe in which over-permission is measured: what could be done, whether or not anybody is meant to.
 *
 * Owns: its elements, each an activity with one example of its identifiers, after the learning:
 * - every workload calls every other on each port that one serves, and on 22;
 * - of a call that is meant and on which requests are seen: each request that anybody makes of that server, and sensitive ones;
 * - every workload calls every name that any of them does, on each port of such names, names nobody knows, a stranger's address, the cloud's
 *   metadata, and addresses that a name had before;
 * - every workload asks for each of these names, and for each Service of its namespace;
 * - somebody outside calls every workload on each port it serves.
 */

import type { Activity, Party } from './activity.ts';
import { type Edge, workloadKey } from './application.ts';
import { evilNames, sensitiveRequests } from './attacks.ts';
import type { Cluster } from './cluster.ts';
import { filled, outsideAddress } from './identifiers.ts';
import { dnsServer } from './name-lookups.ts';
import { answer, formerAddresses } from './names-outside.ts';
import type { Pod } from './pod-lives.ts';
import { Seeded } from './seeded.ts';
import { endName, type Truth } from './truth.ts';

export interface Element {
  readonly activity: Activity;
  readonly isMeant: boolean;
}

export interface UniverseOptions {
  readonly cluster: Cluster;
  readonly truth: Truth;
  readonly seed: number;
  readonly atUs: number;
}

interface At extends UniverseOptions {
  readonly random: Seeded;
  readonly pods: readonly Pod[];
  readonly dns: Pod;
}

const formerSampled = 8;

export function universe(options: UniverseOptions): Element[] {
  const { truth, cluster, seed, atUs } = options;
  const random = Seeded.of(seed, 'universe');
  // Of jobs, the next run.
  const pods = truth.workloads.flatMap(
    each => cluster.pods.find(({ workload, endUs }) => workload === each && endUs > atUs) ?? [],
  );
  const dns = pods.find(({ workload }) => workloadKey(workload) === dnsServer)!;
  const at = { ...options, random, pods, dns };
  return pods
    .filter(({ workload }) => !workload.hostNetwork)
    .flatMap(pod => [...calls(pod, at), ...outside(pod, at), ...questions(pod, at), ...fromOutside(pod, at)]);
}

const ssh = { transport: 'TCP', port: 22 } as const;

function calls(client: Pod, { truth, pods, random }: At): Element[] {
  const from = workloadKey(client.workload);
  return pods
    .filter(({ workload }) => workload !== client.workload)
    .flatMap(server => {
      const to = workloadKey(server.workload);
      return [...truth.served(server.workload), ssh].flatMap(way => {
        const isMeant = truth.isCall(from, to, way);
        const call = { client, server, ...way };
        return [element(call, isMeant), ...(isMeant ? requests(call, { from, to, truth, random }) : [])];
      });
    });
}

interface Call extends Pick<Edge, 'transport' | 'port'> {
  readonly client: Party;
  readonly server: Party;
}

interface Ways {
  readonly from: string;
  readonly to: string;
  readonly truth: Truth;
  readonly random: Seeded;
}

/** Where no requests are meant none are seen, and any may be made. */
function requests(call: Call, { from, to, truth, random }: Ways): Element[] {
  const served = truth.requestsOf(to, call);
  if (!served.some(each => truth.isRequest(from, to, call, each))) return [];
  const sensitive = sensitiveRequests.map(each => {
    const [method = '', template = ''] = each.split(' ');
    return { method, template };
  });
  return [...served, ...sensitive].map(each => {
    const request = { method: each.method, path: filled(each.template, random), host: '' };
    return element(call, truth.isRequest(from, to, call, each), { request });
  });
}

function outside(client: Pod, { truth, random, atUs }: At): Element[] {
  const from = workloadKey(client.workload);
  const tcp = (server: Party, port = 443) => ({ client, server, transport: 'TCP', port }) as const;
  const ports = [...new Set(truth.names.map(({ port }) => port))];
  const each = new Map(truth.names.map(name => [name.name, name]));
  const known = [...each.values()].flatMap(name => ports.map(port => ({ ...name, port })));
  const named = known.map(({ name, network, transport, port }) => {
    const called = filled(name, random);
    const server = { address: random.pick(answer(called, network, atUs).addresses) };
    return element({ client, server, transport, port }, truth.isCall(from, name, { transport, port }), {
      names: [called],
    });
  });
  const former = formerAddresses(atUs);
  const gone = Array.from({ length: former.length > 0 ? formerSampled : 0 }, () => random.pick(former));
  return [
    ...named,
    ...evilNames.map(name => element(tcp({ address: outsideAddress(random) }), false, { names: [name] })),
    ...gone.map(address => element(tcp({ address }), false)),
    element(tcp({ address: outsideAddress(random) }), false),
    element(tcp({ address: '169.254.169.254' }, 80), false),
  ];
}

function questions(client: Pod, { truth, random, dns, pods }: At): Element[] {
  const mine = truth.edges.filter(({ from }) => endName(from) === workloadKey(client.workload));
  const asked = new Set(mine.map(({ to }) => serviceName(to) ?? endName(to)));
  const ofNamespace = pods
    .map(({ workload }) => workload)
    .filter(({ namespace, hostNetwork }) => namespace === client.workload.namespace && !hostNetwork)
    .map(workload => serviceName({ type: 'workload', workload })!);
  const all = new Set([...truth.names.map(({ name }) => name), ...evilNames, ...ofNamespace]);
  return [...all].map(name => {
    const question = { name: filled(name, random), addresses: [], ttlSeconds: 0 };
    return element({ client, server: dns, transport: 'UDP', port: 53 }, asked.has(name), { question });
  });
}

function serviceName(to: Edge['to']): string | undefined {
  return to.type === 'workload' && !to.workload.hostNetwork
    ? `${to.workload.name}.${to.workload.namespace}.svc.cluster.local`
    : undefined;
}

function fromOutside(server: Pod, { truth, random }: At): Element[] {
  const to = workloadKey(server.workload);
  return [...truth.served(server.workload), ssh].flatMap(({ transport, port }) => {
    const call = { client: { address: outsideAddress(random) }, server, transport, port };
    const isMeant = truth.isCall('outside', to, call);
    return [
      element(call, isMeant),
      ...(isMeant ? requests(call, { from: 'outside', to, truth, random }) : []),
    ];
  });
}

function element(
  { client, server, transport, port }: Call,
  isMeant: boolean,
  {
    request = null,
    names = [],
    question = null,
  }: Partial<Pick<Activity, 'request' | 'names' | 'question'>> = {},
): Element {
  const nature = isMeant ? 'benign' : 'plain';
  const activity: Activity = {
    ...{ timeUs: 0, nature, client, server, transport, port, servicePort: port, request, names, question },
    ...{ behaviour: '', edge: null },
  };
  return { activity, isMeant };
}
