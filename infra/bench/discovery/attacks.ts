/**
 * Attacks on the applications: steps that nobody is meant to take.
 *
 * While there is learning, a campaign takes place every few hours: from one pod, within two minutes, some steps raise an alert,
 * some are denied, and some pass unnoticed. Afterwards the same kinds of steps come from everywhere.
 */

import type { Activity, Nature, Party } from './activity.ts';
import { workloadKey } from './application.ts';
import type { Cluster } from './cluster.ts';
import { filled, outsideAddress } from './identifiers.ts';
import { dnsServer } from './name-lookups.ts';
import type { Pod } from './pod-lives.ts';
import { Seeded } from './seeded.ts';
import { beginningUs, dayUs, hourUs, secondUs } from './time.ts';
import { endName, type Truth } from './truth.ts';

export const attackKinds = Object.freeze([
  ...([
    'lateral',
    'scan',
    'exfiltration',
    'command-and-control',
    'tunnel',
    'request',
    'metadata',
    'intrusion',
  ] as const),
]);
type AttackKind = (typeof attackKinds)[number];

/** Ports that are tried everywhere. */
const scanned = [22, 80, 443, 2379, 3306, 4444, 5432, 6379, 8080, 10_250, 27_017];
export const sensitiveRequests = Object.freeze([
  ...[
    'GET /admin',
    'GET /.env',
    'GET /actuator/env',
    'POST /admin/users',
    'DELETE /orders/1',
    'GET /debug/pprof/heap',
  ],
  ...['PUT /catalogue/1', 'GET /etc/passwd', 'POST /wp-login.php', 'TRACE /'],
]);
export const evilNames = Object.freeze([
  'c2.evil.example',
  'update.evil.example',
  'paste.example',
  'evil.blobs.example',
]);

const campaignEveryUs = 8 * hourUs;
const stepsOfCampaign = 14;

export class Attacks {
  readonly #cluster: Cluster;
  readonly #truth: Truth;
  readonly #seed: number;

  constructor(cluster: Cluster, truth: Truth, seed: number) {
    this.#cluster = cluster;
    this.#truth = truth;
    this.#seed = seed;
  }

  /** Of one day of learning, in order of time. */
  campaigns(day: number): Activity[] {
    const random = Seeded.of(this.#seed, `campaigns of day ${day}`);
    const begins = Array.from(
      { length: dayUs / campaignEveryUs },
      (_, i) => beginningUs + day * dayUs + (i + random.next()) * campaignEveryUs,
    );
    return begins.flatMap(begin => {
      const pod = this.#anybody(begin, random);
      return Array.from({ length: stepsOfCampaign }, (_, step) => {
        const nature: Nature = step % 4 === 0 ? 'alerted' : step % 4 === 1 ? 'denied' : 'plain';
        const timeUs = Math.floor(begin + step * 8 * secondUs);
        // A pod may be replaced in the middle of it.
        const isThere = timeUs < pod.endUs - secondUs;
        return isThere ? this.#step(random.pick(attackKinds), { pod, timeUs, nature, random }) : [];
      }).flat();
    });
  }

  /** After the learning. */
  probes(count: number, fromUs: number, toUs: number): Activity[] {
    const random = Seeded.of(this.#seed, 'probes');
    return Array.from({ length: count }, (_, i) => {
      const timeUs = Math.floor(fromUs + random.next() * (toUs - fromUs));
      const pod = this.#anybody(timeUs, random);
      return this.#step(attackKinds[i % attackKinds.length]!, { pod, timeUs, nature: 'plain', random });
    }).flat();
  }

  #anybody(atUs: number, random: Seeded): Pod {
    const there = this.#cluster.pods.filter(
      ({ workload, startUs, endUs }) =>
        !workload.hostNetwork && startUs + 2 * secondUs <= atUs && atUs < endUs - secondUs,
    );
    return random.pick(there);
  }

  #step(kind: AttackKind, at: Step): Activity[] {
    const { pod, random, timeUs } = at;
    const evil = () => ({ address: outsideAddress(random) });
    switch (kind) {
      case 'lateral':
      case 'scan': {
        const target = this.#anybody(timeUs, random);
        const served = this.#truth.served(target.workload).filter(({ transport }) => transport === 'TCP');
        const port =
          kind === 'lateral' && served.length > 0 ? random.pick(served).port : random.pick(scanned);
        const isMeant = this.#truth.isCall(workloadKey(pod.workload), workloadKey(target.workload), {
          transport: 'TCP',
          port,
        });
        return isMeant || target.workload === pod.workload ? [] : [step(kind, at, { server: target, port })];
      }
      case 'exfiltration':
        return [step(kind, at, { server: evil(), port: 443 })];
      case 'command-and-control': {
        const name = random.pick(evilNames);
        const server = evil();
        const asked = this.#question(kind, at, { name, address: server.address });
        return [...asked, step(kind, at, { server, port: 443, names: [name] })];
      }
      case 'tunnel':
        return this.#question(kind, at, { name: `${random.digits(24)}.evil.example`, ...evil() });
      case 'request': {
        const mine = this.#truth.edges.filter(
          ({ from, requests }) => requests.length > 0 && endName(from) === workloadKey(pod.workload),
        );
        if (mine.length === 0) return [];
        const edge = random.pick(mine);
        const server = this.#cluster.pod(endName(edge.to), timeUs, random);
        if (!server) return [];
        const [method = '', path = ''] = random.pick(sensitiveRequests).split(' ');
        return [
          step(kind, at, {
            server,
            port: edge.port,
            request: { method, path: filled(path, random), host: '' },
          }),
        ];
      }
      case 'metadata':
        return [step(kind, at, { server: { address: '169.254.169.254' }, port: 80 })];
      case 'intrusion': {
        const [served] = this.#truth.served(pod.workload);
        const port = served?.port ?? 22;
        const isMeant = this.#truth.isCall('outside', workloadKey(pod.workload), { transport: 'TCP', port });
        return isMeant ? [] : [{ ...step(kind, at, { server: pod, port }), client: evil() }];
      }
    }
  }

  #question(
    kind: AttackKind,
    at: Step,
    { name, address }: { readonly name: string; readonly address: string },
  ): Activity[] {
    const server = this.#cluster.pod(dnsServer, at.timeUs, at.random);
    if (!server) return [];
    const question = { name, addresses: [address], ttlSeconds: 60 };
    return [{ ...step(kind, at, { server, port: 53 }), transport: 'UDP', question }];
  }
}

interface Step {
  readonly pod: Pod;
  readonly timeUs: number;
  readonly nature: Nature;
  readonly random: Seeded;
}

interface Aim {
  readonly server: Party;
  readonly port: number;
  readonly request?: Activity['request'];
  readonly names?: readonly string[];
}

function step(
  kind: AttackKind,
  { pod, timeUs, nature }: Step,
  { server, port, request = null, names = [] }: Aim,
): Activity {
  return {
    ...{ timeUs, nature, client: pod, server, transport: 'TCP', port, servicePort: port, request, names },
    ...{ question: null, behaviour: kind, edge: null },
  };
}
