/**
 * Which pods there are, when, and at which addresses: rollouts, scaling up and down, jobs, and addresses that are given to
 * another pod within seconds.
 */

import { type Application, type Workload, workloadKey } from './application.ts';
import { Seeded } from './seeded.ts';
import { dayUs, hourUs, secondUs } from './time.ts';

export interface Pod {
  readonly workload: Workload;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the pods of one template; another after each rollout. */
  readonly template: string;
  readonly node: string;
  readonly address: string;
  readonly startUs: number;
  readonly endUs: number;
}

type Life = Omit<Pod, 'address'>;

export const nodes = [
  { name: 'node-1', address: '172.16.0.11' },
  { name: 'node-2', address: '172.16.0.12' },
  { name: 'node-3', address: '172.16.0.13' },
] as const;

export interface Span {
  readonly seed: number;
  readonly startUs: number;
  readonly days: number;
}

export function podLives(applications: readonly Application[], span: Span): Pod[] {
  const lives = applications.flatMap(({ workloads }) => workloads.flatMap(each => livesOf(each, span)));
  return addressed(lives);
}

function livesOf(workload: Workload, span: Span): Life[] {
  const random = Seeded.of(span.seed, `pods of ${workloadKey(workload)}`);
  return workload.kind === 'CronJob' ? runsOf(workload, span, random) : replicasOf(workload, span, random);
}

const runUs = 360 * secondUs;

function runsOf(workload: Workload, { startUs, days }: Span, random: Seeded): Life[] {
  const every = workload.runs === 'weekly' ? 7 : 1;
  return Array.from({ length: Math.ceil(days / every) }, (_, i) => {
    const within = every === 1 ? hourUs + random.next() * 22 * hourUs : dayUs + random.next() * 5 * dayUs;
    const begin = Math.floor(startUs + i * every * dayUs + within);
    const job = `${workload.name}-${29_000_000 + i}`;
    const uid = random.digits(12);
    const labels = {
      ...workload.labels,
      ...{ 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': job },
      ...{ 'controller-uid': uid, 'job-name': job },
    };
    return life(workload, {
      random,
      name: `${job}-${random.digits(5)}`,
      labels,
      template: job,
      begin,
      end: begin + runUs,
    });
  });
}

function replicasOf(workload: Workload, { startUs, days }: Span, random: Seeded): Life[] {
  const [beginUs, endUs] = [startUs - hourUs, startUs + days * dayUs + hourUs];
  const betweenUs = (workload.kind === 'Deployment' ? 1.5 : 4) * dayUs;
  const rollouts = [beginUs];
  for (let at = startUs; ; ) {
    at += Math.floor((0.3 + 1.4 * random.next()) * betweenUs);
    if (at >= endUs - hourUs) break;
    rollouts.push(at);
  }
  const lives: Life[] = [];
  for (const [revision, at] of rollouts.entries()) {
    const template = random.digits(9);
    const until = rollouts[revision + 1] ?? endUs;
    for (let replica = 0; replica < workload.replicas; replica++)
      lives.push(replicaOf(workload, { random, template, replica, begin: at, end: until }));
    const scalesUp = workload.kind === 'Deployment' && workload.replicas > 1 && until - at > 10 * hourUs;
    if (scalesUp)
      lives.push(
        replicaOf(workload, {
          random,
          template,
          replica: workload.replicas,
          begin: at + hourUs,
          end: at + 9 * hourUs,
        }),
      );
  }
  return lives;
}

interface Replica {
  readonly random: Seeded;
  readonly template: string;
  readonly replica: number;
  readonly begin: number;
  readonly end: number;
}

/** One after the other; a StatefulSet's next pod comes after its last one is gone, others before. */
function replicaOf(workload: Workload, { random, template, replica, begin, end }: Replica): Life {
  const { kind, name, labels } = workload;
  const staggerUs = replica * 20 * secondUs;
  const gapUs = (kind === 'Deployment' ? -4 : 8) * secondUs;
  const told = {
    random,
    template,
    begin: begin + staggerUs + Math.max(0, gapUs),
    end: end + staggerUs - Math.min(0, gapUs),
  };
  if (kind === 'StatefulSet') {
    const own = `${name}-${replica}`;
    const marks = {
      'statefulset.kubernetes.io/pod-name': own,
      'apps.kubernetes.io/pod-index': String(replica),
    };
    return life(workload, {
      ...told,
      name: own,
      labels: { ...labels, 'controller-revision-hash': template, ...marks },
    });
  }
  const marks: Readonly<Record<string, string>> =
    kind === 'DaemonSet'
      ? { 'controller-revision-hash': template, 'pod-template-generation': '1' }
      : { 'pod-template-hash': template };
  return life(workload, {
    ...told,
    name: `${name}-${template}-${random.digits(5)}`,
    labels: { ...labels, ...marks },
  });
}

interface Begun {
  readonly random: Seeded;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly template: string;
  readonly begin: number;
  readonly end: number;
}

function life(workload: Workload, { random, name, labels, template, begin, end }: Begun): Life {
  const node = random.pick(nodes).name;
  return { workload, name, uid: random.digits(16), labels, template, node, startUs: begin, endUs: end };
}

const shortestRestUs = 4 * secondUs;

/** The address given up last goes to the next pod, as early as four seconds later. */
function addressed(lives: readonly Life[]): Pod[] {
  const sorted = lives.toSorted((a, b) => a.startUs - b.startUs || (a.uid < b.uid ? -1 : 1));
  const held: { address: string; untilUs: number }[] = [];
  let made = 0;
  return sorted.map(each => {
    if (each.workload.hostNetwork)
      return { ...each, address: nodes.find(({ name }) => name === each.node)!.address };
    const latest = held
      .filter(({ untilUs }) => untilUs + shortestRestUs <= each.startUs)
      .sort((a, b) => b.untilUs - a.untilUs)[0];
    if (latest) held.splice(held.indexOf(latest), 1);
    else made += 1;
    const address = latest?.address ?? `10.1.${made >> 8}.${made & 255}`;
    held.push({ address, untilUs: each.endUs });
    return { ...each, address };
  });
}
