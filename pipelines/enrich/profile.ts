/**
 * The behaviour profile of one container of a workload, growing in place.
 *
 * Owns: which behaviours there are, with their evidence. What it holds depends on the set of events alone (I2), since evidence
 * does (E1, O1, C1). How much memory it takes depends on its behaviours, not on the number of events (E4).
 */

import { EvidenceRows, type Sighting } from '#policy';
import type { Behaviour, BehaviourProfile, Peer } from '#schemas';
import { BehaviourRows } from './behaviour-rows.ts';
import { CrowdedDirectories, crowdedFrom, standsForMany } from './crowded-directories.ts';
import { CrowdedRequests } from './crowded-requests.ts';
import { identityOf, type Observed } from './observe.ts';
import { OpenPorts } from './open-ports.ts';
import { smaller } from './selector-order.ts';

const mostImages = 16;
const mostAlerts = 1024;
const minuteUs = 60_000_000;

export type ProfileKey = Pick<
  BehaviourProfile,
  'cluster' | 'namespace' | 'workloadKind' | 'workload' | 'container'
>;

type Labels = Readonly<Record<string, string>>;

/** How a workload is selected; undefined when that is not known (any more). */
export type SelectorOf = (workload: Omit<ProfileKey, 'container'>) => Labels | undefined;

export class GrowingProfile {
  readonly key: ProfileKey;
  /** The same rows: what was seen, and when. */
  #behaviours = new BehaviourRows();
  #evidence = new EvidenceRows();
  readonly #ports = new OpenPorts();
  readonly #directories = new CrowdedDirectories();
  readonly #requests = new CrowdedRequests();
  #images: readonly string[] = [];
  /** Minutes, the latest first. */
  #alerts: readonly number[] = [];
  #selector: Labels;

  constructor({ cluster, namespace, workloadKind, workload, container }: ProfileKey, selector: Labels = {}) {
    this.key = { cluster, namespace, workloadKind, workload, container };
    this.#selector = selector;
  }

  static of(record: BehaviourProfile): GrowingProfile {
    const profile = new GrowingProfile(record);
    profile.#behaviours.reserve(record.behaviours.length);
    profile.#evidence.reserve(record.behaviours.length);
    profile.join(record);
    return profile;
  }

  get size(): number {
    return this.#behaviours.length;
  }

  see(observed: Observed, sighting: Sighting): void {
    // First the row: to find it may replace the evidence.
    const row = this.#rowOf(observed);
    this.#evidence.add(row, sighting);
  }

  addImage(image: string): void {
    if (image === '' || this.#images.includes(image)) return;
    this.#images = [...this.#images, image].sort().slice(0, mostImages);
  }

  /** Something it did was denied or audited at that time. */
  addAlert(timeUs: number): void {
    this.#addAlertMinute(Math.floor(timeUs / minuteUs));
  }

  #addAlertMinute(minute: number): void {
    if (this.#alerts.includes(minute)) return;
    this.#alerts = [...this.#alerts, minute].sort((a, b) => b - a).slice(0, mostAlerts);
  }

  /** Takes in all that a record knows. True when its behaviours are no longer as many as before. */
  join({ behaviours, images, alerts, selector }: BehaviourProfile): boolean {
    const before = this.size;
    for (const image of images) this.addImage(image);
    for (const minute of alerts) this.#addAlertMinute(minute);
    this.#selector = smaller(this.#selector, selector);
    for (const behaviour of behaviours) {
      const row = this.#rowOf(behaviour);
      this.#evidence.join(row, behaviour.evidence);
    }
    return this.size !== before;
  }

  /** The whole of it, sorted; selectors as they are now where `selectorOf` knows them. */
  record(selectorOf: SelectorOf = () => undefined): BehaviourProfile {
    const { cluster } = this.key;
    const behaviours = Array.from({ length: this.size }, (_, row) => {
      const observed = this.#behaviours.at(row);
      return { row, observed, identity: identityOf(observed) };
    })
      .sort((a, b) => (a.identity < b.identity ? -1 : 1))
      .map(({ row, observed }): Behaviour => {
        const peer = observed.peer && currentPeer(observed.peer, cluster, selectorOf);
        return { ...observed, peer, evidence: this.#evidence.record(row) };
      });
    return {
      ...this.key,
      selector: { ...(selectorOf(this.key) ?? this.#selector) },
      images: [...this.#images],
      behaviours,
      alerts: this.#alerts.toReversed(),
    };
  }

  #rowOf(observed: Observed): number {
    if (this.#ports.opens(observed)) this.#tellAnew();
    const kept = this.#directories.kept(this.#requests.kept(this.#ports.kept(observed)));
    const row = this.#behaviours.put(kept);
    if (row < this.#evidence.length) return row;
    this.#evidence.push();
    const isCrowded = this.#requests.crowds(kept);
    if (!this.#crowds(kept) && !isCrowded) return row;
    this.#tellAnew();
    return this.#rowOf(observed);
  }

  /** Of few behaviours there are no many names: nothing is counted before. */
  #crowds(observed: Observed): boolean {
    if (this.size < crowdedFrom) return standsForMany(observed) && this.#directories.crowds(observed);
    if (this.size > crowdedFrom) return this.#directories.crowds(observed);
    let isCrowded = false;
    for (let row = 0; row < this.size; row++)
      isCrowded = this.#directories.crowds(this.#behaviours.at(row)) || isCrowded;
    return isCrowded;
  }

  /** Behaviours that were several are one now. */
  #tellAnew(): void {
    // A row that was just made for what is still to be seen has no evidence.
    const behaviours = this.record().behaviours.filter(({ evidence }) => evidence.count > 0);
    this.#behaviours = new BehaviourRows();
    this.#evidence = new EvidenceRows();
    for (const behaviour of behaviours) {
      const row = this.#rowOf(behaviour);
      this.#evidence.join(row, behaviour.evidence);
    }
  }
}

function currentPeer(peer: Peer, cluster: string, selectorOf: SelectorOf): Peer {
  if (peer.type !== 'WORKLOAD') return peer;
  return { ...peer, selector: { ...(selectorOf({ cluster, ...peer }) ?? peer.selector) } };
}
