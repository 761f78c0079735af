/** Who learns: takes in what arrives, and writes policies when asked. */

import type { AnyPolicyObject } from '#policy';
import type { EntityChange } from '#schemas';
import { type Activity, type Party, type Report, reporter } from './activity.ts';
import type { Pod } from './pod-lives.ts';

export interface System {
  readonly name: string;
  change(change: EntityChange): void;
  take(report: Report): void;
  /** What it would have enforced by now; more may be taken afterwards. */
  written(): Written;
}

export interface Written {
  readonly policies: readonly AnyPolicyObject[];
  /** Estimated share of the next events that shows a behaviour not seen; null: it makes no estimate. */
  readonly unseenMass: number | null;
}

/** A report as peers see it: they know whose it is, and look the other side up in the list of pods as it is by then. */
export interface Sighting {
  readonly activity: Activity;
  readonly side: Report['side'];
  readonly self: Pod;
  readonly other: Party;
  readonly arrivesUs: number;
}

/** Pods by address, as the informer has told them so far. */
export class LivePods {
  readonly #byUid: ReadonlyMap<string, Pod>;
  readonly #byAddress = new Map<string, Pod>();

  constructor(pods: readonly Pod[]) {
    this.#byUid = new Map(pods.map(pod => [pod.uid, pod]));
  }

  change({ op, uid }: EntityChange): void {
    const pod = this.#byUid.get(uid);
    if (!pod || pod.workload.hostNetwork) return;
    if (op !== 'DELETED') this.#byAddress.set(pod.address, pod);
    else if (this.#byAddress.get(pod.address) === pod) this.#byAddress.delete(pod.address);
  }

  seen(report: Report): Sighting {
    const { activity, side, arrivesUs } = report;
    const { address } = activity[side === 'client' ? 'server' : 'client'];
    const self = reporter(report) as Pod;
    return { activity, side, self, other: this.#byAddress.get(address) ?? { address }, arrivesUs };
  }
}

/** A pod's labels without some. */
export function labelsWithout(labels: Readonly<Record<string, string>>, dropped: ReadonlySet<string>) {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => !dropped.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
