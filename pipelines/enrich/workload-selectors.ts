/**
 * What selects the pods of a workload, and which workload selects pods of some labels.
 *
 * Owns: selectors without what differs by replica, run or revision. Does not own: which pods there were (entity-intervals.ts).
 */

import { stableLabels } from '#kubernetes';

export type Labels = Readonly<Record<string, string>>;

export interface Workload {
  readonly cluster: string;
  readonly namespace: string;
  readonly workloadKind: string;
  readonly workload: string;
}

interface Selecting {
  readonly workload: Workload;
  readonly selector: Labels;
}

const mostRemembered = 4096;

export class WorkloadSelectors {
  readonly #selectors = new Map<string, Labels>();
  readonly #commonLabels = new Map<string, Labels>();
  /** Those that nobody else owns, by cluster and namespace, then by key. */
  readonly #selecting = new Map<string, Map<string, Selecting>>();
  readonly #found = new Map<string, Workload | null>();

  /** `isOwned`: another workload makes it, and is the one that counts. */
  apply(workload: Workload, given: Labels, { isOwned, isGone }: { isOwned: boolean; isGone: boolean }): void {
    const selector = stableLabels(given);
    if (Object.keys(selector).length === 0) return;
    const key = keyOf(workload);
    this.#selectors.set(key, selector);
    const place = placeOf(workload);
    const there = this.#selecting.get(place) ?? new Map<string, Selecting>();
    if (isOwned || isGone) there.delete(key);
    else there.set(key, { workload, selector });
    this.#selecting.set(place, there);
    this.#found.clear();
  }

  /** What a pod of the workload is labelled with. */
  applyPod(workload: Workload, labels: Labels): void {
    const key = keyOf(workload);
    const known = this.#commonLabels.get(key);
    const stable = stableLabels(labels);
    this.#commonLabels.set(key, known ? common(known, stable) : stable);
  }

  /**
   * Its own selector, else the labels all its pods have in common. Of a node its host name. Undefined: not known, or nothing
   * that would select.
   */
  of(workload: Workload): Labels | undefined {
    const key = keyOf(workload);
    const labels = this.#selectors.get(key) ?? this.#commonLabels.get(key) ?? hostLabel(workload);
    return Object.keys(labels).length > 0 ? labels : undefined;
  }

  /** The one workload of the namespace whose selector the labels fit; undefined: none, or several. */
  selecting(cluster: string, namespace: string, labels: Labels): Workload | undefined {
    const place = placeOf({ cluster, namespace });
    const there = this.#selecting.get(place);
    if (!there) return undefined;
    const question = `${place}\n${JSON.stringify(labels)}`;
    const known = this.#found.get(question);
    if (known !== undefined) return known ?? undefined;
    const found = [...there.values()].filter(({ selector }) => fits(selector, labels));
    const only = found.length === 1 ? found[0]!.workload : null;
    if (this.#found.size >= mostRemembered) this.#found.clear();
    this.#found.set(question, only);
    return only ?? undefined;
  }
}

/** Whether pods with these labels are selected. */
export function fits(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

export const hostNameLabel = 'kubernetes.io/hostname';

/** The kubelet labels its node with the name it runs under, unless it is told another. */
function hostLabel({ workloadKind, workload }: Workload): Labels {
  return workloadKind === 'Node' ? { [hostNameLabel]: workload } : {};
}

function keyOf({ cluster, namespace, workloadKind, workload }: Workload): string {
  return `${cluster}/${workloadKind}/${namespace}/${workload}`;
}

function placeOf({ cluster, namespace }: Pick<Workload, 'cluster' | 'namespace'>): string {
  return `${cluster}/${namespace}`;
}

function common(a: Labels, b: Labels): Labels {
  return Object.fromEntries(Object.entries(a).filter(([key, value]) => b[key] === value));
}
