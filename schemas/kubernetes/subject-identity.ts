/**
 * Whose event it is, where the record names pod and labels but no workload.
 *
 * Owns: the way from what a record says to a workload that something selects.
 *
 * In this order: the owner the record names; the pod among the objects; the one workload among the objects whose selector
 * has the record's labels; the one that names its pods so; the record's stable labels, which then are the workload.
 * Nothing that fits two is guessed.
 */

import type { Container, EntityChange } from '../generated/types.ts';
import { canonicalJson, hashOf } from '../policy/canonical.ts';
import { withDefaults } from '../with-defaults.ts';
import type { ReadObjects } from './entity-objects.ts';
import { labelledKind } from './labelled-kind.ts';
import { stableLabels } from './stable-labels.ts';

type Labels = Readonly<Record<string, string>>;

export interface Identified {
  readonly container: Container;
  /** What makes the workload known, when no object does: once for each pod. */
  readonly entity: EntityChange | null;
}

/** Where and when the record was made. */
export interface Seen {
  readonly cluster: string;
  readonly timeUs: number;
}

interface KnownWorkload {
  readonly kind: string;
  readonly name: string;
  readonly selector: Labels;
  readonly containers: readonly string[];
}

export class SubjectIdentity {
  /** By namespace; without those that another one of them owns. */
  readonly #workloads = new Map<string, KnownWorkload[]>();
  readonly #pods = new Map<string, NonNullable<EntityChange['pod']>>();
  readonly #told = new Set<string>();
  readonly #found = new Map<string, KnownWorkload | null>();

  constructor(objects?: ReadObjects) {
    for (const { kind, namespace, name, pod, workload } of objects?.changes ?? []) {
      if (pod) this.#pods.set(`${namespace}/${name}`, pod);
      if (workload?.owner !== '') continue;
      const containers = objects?.templates.get(`${kind}/${namespace}/${name}`)?.containers ?? [];
      const known = { kind, name, selector: workload.selector, containers };
      this.#workloads.set(namespace, [...(this.#workloads.get(namespace) ?? []), known]);
    }
  }

  /** The container with its workload, as far as it can be told. */
  identify(container: Container, labels: Labels, seen: Seen): Identified {
    const { namespace, pod, workload, workloadKind } = container;
    if (namespace === '' || (pod === '' && workload === '' && Object.keys(labels).length === 0))
      return { container, entity: null };
    if (workload !== '' && workloadKind !== '') return this.#tell(container, labels, seen);
    const object = this.#pods.get(`${namespace}/${pod}`);
    if (object)
      return {
        container: { ...container, workloadKind: object.ownerKind, workload: object.owner },
        entity: null,
      };
    const known = this.#known(container, labels);
    if (known)
      return { container: { ...container, workloadKind: known.kind, workload: known.name }, entity: null };
    const stable = stableLabels(labels);
    if (Object.keys(stable).length === 0) return { container, entity: null };
    const named = { ...container, workloadKind: labelledKind, workload: nameOf(stable) };
    return this.#tell(named, stable, seen);
  }

  /** An entity that makes the labels known, once for each pod and labels. */
  #tell(container: Container, labels: Labels, { cluster, timeUs }: Seen): Identified {
    const { namespace, pod, workloadKind, workload } = container;
    const name = pod || workload;
    const isKnown = this.#workloads
      .get(namespace)
      ?.some(each => each.kind === workloadKind && each.name === workload);
    const key = `${cluster}/${namespace}/${name}\n${canonicalJson(labels)}`;
    if (isKnown || this.#told.has(key) || Object.keys(labels).length === 0)
      return { container, entity: null };
    this.#told.add(key);
    const entity = withDefaults('EntityChange', {
      ...{ cluster, kind: 'Pod', namespace, name, uid: `${namespace}/${name}`, op: 'ADDED' },
      observedAt: timeUs,
      cause: 'list',
      pod: withDefaults('PodProjection', { labels: { ...labels }, ownerKind: workloadKind, owner: workload }),
    });
    return { container, entity };
  }

  #known(container: Container, labels: Labels): KnownWorkload | null {
    const { namespace, pod, name } = container;
    const key = `${namespace}/${pod}\n${name}\n${canonicalJson(labels)}`;
    const before = this.#found.get(key);
    if (before !== undefined) return before;
    const all = this.#workloads.get(namespace) ?? [];
    const isSelected = ({ selector }: KnownWorkload) =>
      Object.keys(selector).length > 0 &&
      Object.entries(selector).every(([label, value]) => labels[label] === value);
    const selected = all.filter(isSelected);
    const found = only(selected) ?? (Object.keys(labels).length === 0 ? namedSo(all, container) : null);
    this.#found.set(key, found);
    return found;
  }
}

function only<T>(found: readonly T[]): T | null {
  return found.length === 1 ? found[0]! : null;
}

/** What controllers put behind the name of what they make pods for. */
const suffixes: Readonly<Record<string, RegExp>> = {
  Deployment: /^-[a-z0-9]{1,10}-[a-z0-9]{5}$/,
  ReplicaSet: /^-[a-z0-9]{5}$/,
  DaemonSet: /^-[a-z0-9]{5}$/,
  Job: /^(-\d+)?-[a-z0-9]{5}$/,
  CronJob: /^-\d+(-\d+)?-[a-z0-9]{5}$/,
  StatefulSet: /^-\d+$/,
};

/** The one that would name a pod so, and has such a container. */
function namedSo(all: readonly KnownWorkload[], { pod, name: container }: Container): KnownWorkload | null {
  return only(
    all.filter(
      ({ kind, name, containers }) =>
        pod.startsWith(name) &&
        suffixes[kind]?.test(pod.slice(name.length)) === true &&
        (container === '' || containers.length === 0 || containers.includes(container)),
    ),
  );
}

const namingLabels = [
  'app.kubernetes.io/name',
  'app.kubernetes.io/component',
  'k8s-app',
  'app',
  'name',
  'component',
];

/** Readable, and another one for other labels. */
function nameOf(labels: Labels): string {
  const named = namingLabels.filter(key => labels[key]).map(key => labels[key]!);
  const values =
    named.length > 0
      ? named
      : Object.entries(labels)
          .sort()
          .map(([, value]) => value);
  const readable = [...new Set(values)]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${readable.slice(0, 40) || 'pods'}-${hashOf(canonicalJson(labels)).slice(0, 6)}`;
}
