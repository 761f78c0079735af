/** What each pod has asked the DNS server, and was answered: it asks again when an answer has grown old; a job every time. */

import type { Activity, Party } from './activity.ts';
import { type Workload, workloadKey } from './application.ts';
import type { Cluster } from './cluster.ts';
import { answer } from './names-outside.ts';
import type { Pod } from './pod-lives.ts';
import type { Seeded } from './seeded.ts';
import { secondUs } from './time.ts';

export const dnsServer = 'platform/dns';

export interface Moment {
  readonly timeUs: number;
  readonly random: Seeded;
}

export interface Lookup {
  /** None when it still knows. */
  readonly questions: readonly Activity[];
  readonly addresses: readonly string[];
}

/** Clients keep Services' addresses that long, whatever their TTL: fewer questions, as many different ones. */
const serviceSeconds = 3600;
/** Before what it was asked for. */
const answeredUs = 2_000;

export class NameLookups {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, { readonly untilUs: number; readonly addresses: readonly string[] }>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  service(client: Party, to: Workload, moment: Moment): Lookup {
    const addresses = [this.#cluster.serviceAddress(workloadKey(to))];
    const name = `${to.name}.${to.namespace}.svc.cluster.local`;
    return this.#lookUp(client, name, moment, () => ({ addresses, ttlSeconds: serviceSeconds }));
  }

  outside(
    client: Party,
    { name, network }: { readonly name: string; readonly network: string },
    moment: Moment,
  ): Lookup {
    return this.#lookUp(client, name, moment, () => answer(name, network, moment.timeUs));
  }

  #lookUp(client: Party, name: string, moment: Moment, ask: () => ReturnType<typeof answer>): Lookup {
    if (!('workload' in client)) return { questions: [], addresses: ask().addresses };
    const key = `${client.uid} ${name}`;
    const known = this.#known.get(key);
    const isFresh = client.workload.kind !== 'CronJob' && known && known.untilUs > moment.timeUs;
    if (isFresh) return { questions: [], addresses: known.addresses };
    const { addresses, ttlSeconds } = ask();
    this.#known.set(key, { untilUs: moment.timeUs + ttlSeconds * secondUs, addresses });
    return { questions: this.#question(client, { name, addresses, ttlSeconds }, moment), addresses };
  }

  #question(
    client: Pod,
    question: NonNullable<Activity['question']>,
    { timeUs, random }: Moment,
  ): Activity[] {
    const server = this.#cluster.pod(dnsServer, timeUs, random);
    if (!server) return [];
    const asked = question.name.replaceAll(/\d+/g, '{number}');
    return [
      {
        ...{ timeUs: timeUs - answeredUs, nature: 'benign', client, server, transport: 'UDP' },
        ...{ port: 53, servicePort: 53, request: null, question, names: [], edge: null },
        behaviour: `${workloadKey(client.workload)} asks for ${asked}`,
      },
    ];
  }
}
