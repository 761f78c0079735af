/** What a run's options stand for: applications, cluster, attacks, who learns, and what all are asked in the end. */

import type { Application } from './application.ts';
import { type ApplicationName, applications } from './applications.ts';
import { Attacks } from './attacks.ts';
import { Cluster } from './cluster.ts';
import { DiscoveryEngine } from './discovery-engine.ts';
import type { Questions } from './figures.ts';
import { InspektorGadget } from './inspektor-gadget.ts';
import { Kubescape } from './kubescape.ts';
import { Ours, OursAsNetworkPolicy } from './ours.ts';
import type { System } from './system.ts';
import { beginningUs, dayUs, hourUs } from './time.ts';
import { Traffic } from './traffic.ts';
import { Truth } from './truth.ts';
import { universe } from './universe.ts';

export interface SettingOptions {
  readonly seed: number;
  readonly applications: readonly ApplicationName[];
  /** Steady activities of one application on a day, about. */
  readonly perDay: number;
  /** Attacks after the learning, about: some cannot be made from where they begin. */
  readonly attacks: number;
}

const heldOutDays = 7;
const heldOutShare = 0.2;

export class Setting {
  readonly options: SettingOptions;
  readonly applications: readonly Application[];
  readonly cluster: Cluster;
  readonly truth: Truth;
  readonly attacks: Attacks;

  constructor(options: SettingOptions) {
    this.options = options;
    this.applications = applications(options.applications);
    this.cluster = new Cluster(this.applications, {
      seed: options.seed,
      startUs: beginningUs,
      days: 7 + heldOutDays,
    });
    this.truth = new Truth(this.applications);
    this.attacks = new Attacks(this.cluster, this.truth, options.seed);
  }

  traffic(): Traffic {
    return new Traffic(this.applications, this.cluster, this.options);
  }

  systems(): System[] {
    const { pods } = this.cluster;
    const ours = new Ours(({ namespace, name }) => this.cluster.serviceAddress(`${namespace}/${name}`));
    return [
      ours,
      new OursAsNetworkPolicy(ours),
      new DiscoveryEngine(pods, { aggregation: true }),
      new DiscoveryEngine(pods, { aggregation: false }),
      new InspektorGadget(pods),
      new Kubescape(pods),
    ];
  }

  /** All of them about the week after the learning, whenever that ended. */
  questions(endUs: number): Questions {
    const { seed, attacks } = this.options;
    const fromUs = beginningUs + 7 * dayUs;
    const traffic = this.traffic();
    const heldOut = Array.from({ length: heldOutDays }, (_, i) => traffic.day(7 + i, heldOutShare)).flat();
    return {
      heldOut,
      attacks: this.attacks.probes(attacks, fromUs, fromUs + heldOutDays * dayUs - hourUs),
      universe: universe({ cluster: this.cluster, truth: this.truth, seed, atUs: Math.max(endUs, fromUs) }),
    };
  }
}
