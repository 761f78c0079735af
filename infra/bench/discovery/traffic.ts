/**
 * What happens in the applications on one day, in order of time.
 *
 * Owns: how often each behaviour occurs: edges, and the requests on them, by Zipf; daily ones once a day, weekly ones once a
 * week, each some times in a row. Every behaviour occurs ten times a week at least: what occurs once cannot be told from
 * what never does.
 */

import type { Activity, Party } from './activity.ts';
import { type Application, type Edge, type End, type Request, workloadKey } from './application.ts';
import type { Cluster } from './cluster.ts';
import { filled, outsideAddress } from './identifiers.ts';
import { NameLookups } from './name-lookups.ts';
import { Seeded, zipfTotal } from './seeded.ts';
import { beginningUs, dayUs, hourUs, minuteUs, secondUs } from './time.ts';

const edgeExponent = 1.3;
const requestExponent = 1;
/** Those who call from outside come again; a few come all the time. */
const visitors = 3000;
const visitorExponent = 0.8;
const fewestADay = 12;
const burst = 12;

export interface TrafficOptions {
  readonly seed: number;
  /** Activities of one application on a day, about. */
  readonly perDay: number;
}

interface Day {
  readonly day: number;
  readonly share: number;
  readonly random: Seeded;
}

export class Traffic {
  readonly #applications: readonly Application[];
  readonly #cluster: Cluster;
  readonly #options: TrafficOptions;
  readonly #lookups: NameLookups;
  readonly #visitors: readonly string[];

  constructor(applications: readonly Application[], cluster: Cluster, options: TrafficOptions) {
    const random = Seeded.of(options.seed, 'visitors');
    this.#visitors = Array.from({ length: visitors }, () => outsideAddress(random));
    this.#applications = applications;
    this.#cluster = cluster;
    this.#lookups = new NameLookups(cluster);
    this.#options = options;
  }

  /** `share`: of the usual number of steady activities. Days are asked for in order. */
  day(day: number, share = 1): Activity[] {
    const random = Seeded.of(this.#options.seed, `traffic of day ${day}`);
    const planned = this.#applications.flatMap(each => this.#planned(each, { day, share, random }));
    planned.sort((a, b) => a.timeUs - b.timeUs);
    return planned.flatMap(({ timeUs, edge }) => this.#activities(timeUs, edge, random));
  }

  #planned({ edges }: Application, { day, share, random }: Day) {
    const fromUs = beginningUs + day * dayUs;
    const steady = edges.filter(({ pace }) => pace === 'steady');
    const total = zipfTotal(steady.length, edgeExponent);
    const often = steady.flatMap((edge, rank) => {
      const perDay = (this.#options.perDay * (rank + 1) ** -edgeExponent) / total;
      const count = Math.ceil(share * Math.max(perDay, fewestADay * Math.max(1, edge.requests.length)));
      return Array.from({ length: count }, () => ({
        timeUs: Math.floor(fromUs + random.next() * dayUs),
        edge,
      }));
    });
    const seldom = edges
      .filter(({ pace }) => pace !== 'steady')
      .flatMap(edge => this.#burst(edge, day, random).map(timeUs => ({ timeUs, edge })));
    return [...often, ...seldom];
  }

  /** Of a job in its run; of others some times within half an hour, at an hour of its own. */
  #burst(edge: Edge, day: number, random: Seeded): number[] {
    const fromUs = beginningUs + day * dayUs;
    const { from } = edge;
    const times = (begin: number, withinUs: number) =>
      Array.from({ length: burst }, () => Math.floor(begin + random.next() * withinUs));
    if (from.type === 'workload' && from.workload.kind === 'CronJob') {
      const run = this.#cluster.startedWithin(workloadKey(from.workload), fromUs, fromUs + dayUs);
      return run.flatMap(pod => times(pod.startUs + 5 * secondUs, 5 * minuteUs));
    }
    const own = Seeded.of(this.#options.seed, `hour of ${JSON.stringify([edge.from, edge.to])}`);
    const hour = own.next() * 23;
    const weekday = own.integer(7);
    if (edge.pace === 'weekly' && day % 7 !== weekday) return [];
    return times(fromUs + hour * hourUs, hourUs / 2);
  }

  #activities(timeUs: number, edge: Edge, random: Seeded): Activity[] {
    const client = this.#party(edge.from, timeUs, random);
    if (!client) return [];
    const { transport, port, servicePort, requests } = edge;
    const request = requests.length > 0 ? requests[random.zipf(requests.length, requestExponent)]! : null;
    const way = `${nameOf(edge.from)} ${nameOf(edge.to)} ${transport} ${port}`;
    const common = { nature: 'benign', client, transport, port, servicePort, question: null, edge } as const;
    if (edge.to.type === 'name') {
      const name = filled(edge.to.name, random);
      const called = { name, network: edge.to.network };
      const { questions, addresses } = this.#lookups.outside(client, called, { timeUs, random });
      const server = { address: random.pick(addresses) };
      return [...questions, { ...common, timeUs, server, request: null, names: [name], behaviour: way }];
    }
    const server = this.#party(edge.to, timeUs, random);
    if (!server) return [];
    const isService = edge.to.type === 'workload' && !edge.to.workload.hostNetwork;
    const questions =
      isService && edge.from.type === 'workload'
        ? this.#lookups.service(client, edge.to.workload, { timeUs, random }).questions
        : [];
    const connection: Activity = { ...common, timeUs, server, request: null, names: [], behaviour: way };
    if (!request) return [...questions, connection];
    const http = { method: request.method, path: filled(request.template, random), host: '' };
    const asked = { ...connection, request: http, behaviour: `${way} ${spelled(request)}` };
    // Now and then the connection is reported for itself too.
    return random.chance(0.1) ? [...questions, connection, asked] : [...questions, asked];
  }

  #party(end: End, timeUs: number, random: Seeded): Party | undefined {
    if (end.type === 'outside') return { address: this.#visitors[random.zipf(visitors, visitorExponent)]! };
    return end.type === 'workload' ? this.#cluster.pod(workloadKey(end.workload), timeUs, random) : undefined;
  }
}

function nameOf(end: End): string {
  if (end.type === 'workload') return workloadKey(end.workload);
  return end.type === 'name' ? end.name : 'outside';
}

export function spelled({ method, template }: Request): string {
  return `${method} ${template}`;
}
