/** What the applications are meant to do: who may call whom, for what. */

import type { Workload } from './application.ts';
import { type Application, type Edge, type End, workloadKey } from './application.ts';
import { spelled } from './traffic.ts';

export class Truth {
  readonly edges: readonly Edge[];
  readonly workloads: readonly Workload[];
  readonly #calls = new Set<string>();
  readonly #requests = new Set<string>();

  constructor(applications: readonly Application[]) {
    this.edges = applications.flatMap(each => each.edges);
    this.workloads = applications.flatMap(each => each.workloads);
    for (const edge of this.edges) {
      const call = callOf(endName(edge.from), endName(edge.to), edge);
      this.#calls.add(call);
      for (const request of edge.requests) this.#requests.add(`${call} ${spelled(request)}`);
    }
  }

  /** Ends by `endName`. */
  isCall(from: string, to: string, at: Pick<Edge, 'transport' | 'port'>): boolean {
    return this.#calls.has(callOf(from, to, at));
  }

  /** Also of a call on which no requests are seen: then of any. */
  isRequest(
    from: string,
    to: string,
    at: Pick<Edge, 'transport' | 'port'>,
    request: Edge['requests'][number],
  ) {
    return this.#requests.has(`${callOf(from, to, at)} ${spelled(request)}`);
  }

  /** Everything that is served by a workload, each port once. */
  served(workload: Workload): Edge[] {
    const mine = this.edges.filter(({ to }) => endName(to) === workloadKey(workload));
    return [...new Map(mine.map(edge => [`${edge.transport} ${edge.port}`, edge])).values()];
  }

  /** All requests that anybody makes of the workload on the port. */
  requestsOf(to: string, at: Pick<Edge, 'transport' | 'port'>): Edge['requests'] {
    const mine = this.edges.filter(
      edge => endName(edge.to) === to && edge.transport === at.transport && edge.port === at.port,
    );
    return [...new Map(mine.flatMap(each => each.requests).map(each => [spelled(each), each])).values()];
  }

  /** Names outside, with their ports and network. */
  get names() {
    return this.edges.flatMap(({ to, transport, port }) =>
      to.type === 'name' ? [{ ...to, transport, port }] : [],
    );
  }
}

function callOf(from: string, to: string, { transport, port }: Pick<Edge, 'transport' | 'port'>): string {
  return `${from} ${to} ${transport} ${port}`;
}

export function endName(end: End): string {
  if (end.type === 'workload') return workloadKey(end.workload);
  return end.type === 'name' ? end.name : 'outside';
}
