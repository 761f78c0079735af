/** What an application consists of, and who talks to whom: the ground truth of the benchmark. */

import type { Transport } from '#schemas';

export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob';
  readonly labels: Readonly<Record<string, string>>;
  readonly replicas: number;
  /** It has its nodes' addresses. */
  readonly hostNetwork: boolean;
  /** Of a CronJob. */
  readonly runs: Pace;
}

export type Pace = 'steady' | 'daily' | 'weekly';

export interface Request {
  readonly method: string;
  /** `{number}`, `{uuid}`, `{hex}`, `{word}` stand for another one each time. */
  readonly template: string;
}

export type End =
  | { readonly type: 'workload'; readonly workload: Workload }
  /** Somebody outside of the cluster, at an address of their own. */
  | { readonly type: 'outside' }
  /** A name outside; `{number}` stands for another one each time. */
  | { readonly type: 'name'; readonly name: string; readonly network: string };

export interface Edge {
  readonly from: End;
  readonly to: End;
  readonly transport: Transport;
  /** The server's, and the one its Service has. */
  readonly port: number;
  readonly servicePort: number;
  /** Empty: what is said on it is not seen. */
  readonly requests: readonly Request[];
  readonly pace: Pace;
}

export interface Application {
  readonly name: string;
  readonly workloads: readonly Workload[];
  readonly edges: readonly Edge[];
}

export function workloadKey({ namespace, name }: Pick<Workload, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

interface Told {
  readonly kind?: Workload['kind'];
  readonly labels?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly hostNetwork?: boolean;
  readonly runs?: Pace;
}

interface Way {
  /** Absent: the port itself. */
  readonly service?: number;
  readonly transport?: Transport;
  readonly pace?: Pace;
  /** `GET /path` each. */
  readonly requests?: readonly string[];
}

/** Writes an application down: workloads by name in one namespace, then who calls whom. */
export class ApplicationText {
  readonly #namespace: string;
  readonly #shared: ReadonlyMap<string, Workload>;
  readonly #workloads = new Map<string, Workload>();
  readonly #edges: Edge[] = [];

  /** `shared`: workloads of other namespaces that are called by `namespace/name`. */
  constructor(namespace: string, shared: readonly Workload[] = []) {
    this.#namespace = namespace;
    this.#shared = new Map(shared.map(each => [workloadKey(each), each]));
  }

  workload(name: string, told: Told = {}): this {
    const {
      kind = 'Deployment',
      labels = { app: name },
      replicas = 1,
      hostNetwork = false,
      runs = 'steady',
    } = told;
    this.#workloads.set(name, {
      namespace: this.#namespace,
      name,
      kind,
      labels,
      replicas,
      hostNetwork,
      runs,
    });
    return this;
  }

  /** `to` is `name:port`; a name with a dot and a network behind it (`api.example@cdn`) is outside. `from` may be `outside`. */
  edge(from: string, to: string, way: Way = {}): this {
    const at = to.lastIndexOf(':');
    const port = Number(to.slice(at + 1));
    const { service = port, transport = 'TCP', pace = 'steady', requests = [] } = way;
    this.#edges.push({
      ...{ from: this.#end(from), to: this.#end(to.slice(0, at)) },
      ...{ transport, port, servicePort: service, pace },
      requests: requests.map(each => {
        const [method = '', template = ''] = each.split(' ');
        return { method, template };
      }),
    });
    return this;
  }

  made(): Application {
    return { name: this.#namespace, workloads: [...this.#workloads.values()], edges: this.#edges };
  }

  #end(text: string): End {
    if (text === 'outside') return { type: 'outside' };
    const [name = '', network] = text.split('@');
    if (network !== undefined) return { type: 'name', name, network };
    const workload = this.#workloads.get(name) ?? this.#shared.get(name);
    if (!workload) throw new RangeError(`there is no workload ${name} in ${this.#namespace}`);
    return { type: 'workload', workload };
  }
}
