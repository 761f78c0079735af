/**
 * Kubernetes objects, as `kubectl get -o yaml|json` prints them and manifests hold them → changes of entities.
 *
 * Owns: the projection of each kind, owners of owners, selectors that select no single replica or run.
 * Does not own: who a container or address was at a moment (entity-intervals.ts).
 *
 * Objects say what was true when they were printed: a pod holds its addresses from its start, to its end when it has
 * ended; a Service always held its own.
 */

import { parseAllDocuments } from 'yaml';
import { SluiceError } from '#errors';
import type { EntityChange, EntityChangeInput } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import {
  type Fields,
  fieldsOf,
  keyOf,
  labelsOf,
  listOf,
  namespaceOf,
  textOf,
  texts,
  textsOf,
  timeUs,
} from './object-fields.ts';
import { containersOf, type PodTemplate, podOf, templateOf } from './pod-template.ts';
import { endpointSliceProjection, endpointsProjection, serviceProjection } from './service-objects.ts';
import { stableLabels } from './stable-labels.ts';

export interface ReadObjects {
  readonly changes: readonly EntityChange[];
  /** Labels and container names of workloads' pod templates, by `kind/namespace/name`. */
  readonly templates: ReadonlyMap<string, PodTemplate>;
  /** Kinds that say nothing of entities, and how many of each there were. */
  readonly ignored: Readonly<Record<string, number>>;
}

export interface ObjectsText {
  readonly text: string;
  /** Names it in errors. */
  readonly source: string;
}

/** Errors: INPUT_INVALID naming the source and the line, when it is neither YAML nor JSON or holds no objects. */
export function readEntityObjects(texts: readonly ObjectsText[], cluster: string): ReadObjects {
  const objects = texts.flatMap(parseObjects);
  const ownerOf = ownersOf(objects);
  const pods = Map.groupBy(objects, namespaceOf);
  const around: Around = {
    ownerOf,
    podsOf: namespace =>
      (pods.get(namespace) ?? []).flatMap(object =>
        textOf(object.kind) === 'Pod' ? podOf(object) : (templateOf(object) ?? []),
      ),
  };
  const changes: EntityChange[] = [];
  const templates = new Map<string, PodTemplate>();
  const ignored: Record<string, number> = {};
  for (const object of objects) {
    const kind = textOf(object.kind);
    const projection = projections[kind]?.(object, around);
    if (projection === undefined) {
      ignored[kind] = (ignored[kind] ?? 0) + 1;
      continue;
    }
    const template = templateOf(object);
    if (template) templates.set(keyOf(object), template);
    changes.push(change(object, projection, cluster));
  }
  return { changes, templates, ignored };
}

/** By key. Jobs that are gone belong to the CronJob whose name they had, with the minute they were for. */
function ownersOf(objects: readonly Fields[]): Map<string, string> {
  const known = new Set(objects.map(keyOf));
  const ownerOf = new Map<string, string>();
  for (const object of objects) {
    const owner = ownerReference(object);
    if (!owner) continue;
    const key = `${owner.kind}/${namespaceOf(object)}/${owner.name}`;
    ownerOf.set(keyOf(object), key);
    const cronJob = key.replace(/^Job\/(.*)-\d{8,}$/, 'CronJob/$1');
    if (cronJob !== key && !known.has(key) && known.has(cronJob)) ownerOf.set(key, cronJob);
  }
  return ownerOf;
}

function parseObjects({ text, source }: ObjectsText): Fields[] {
  return parseAllDocuments(text, { logLevel: 'silent' }).flatMap(document => {
    const [error] = document.errors;
    if (error)
      throw new SluiceError(
        'INPUT_INVALID',
        `${source} cannot be read as YAML or JSON: ${error.message.split('\n')[0]}`,
      );
    return flat(document.toJS() as unknown, source);
  });
}

function flat(value: unknown, source: string): Fields[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(each => flat(each, source));
  const object = fieldsOf(value);
  const kind = textOf(object.kind);
  if (kind.endsWith('List') && Array.isArray(object.items)) {
    // Items of a typed list leave their kind out.
    const item = kind === 'List' ? {} : { kind: kind.slice(0, -'List'.length) };
    return object.items.flatMap(each => flat({ ...item, ...fieldsOf(each) }, source));
  }
  if (kind === '' || textOf(fieldsOf(object.metadata).name) === '')
    throw new SluiceError(
      'INPUT_INVALID',
      `${source} holds something without kind or metadata.name: give Kubernetes objects`,
    );
  return [object];
}

type Projection = Pick<
  EntityChangeInput,
  'pod' | 'service' | 'endpointSlice' | 'workload' | 'node' | 'namespaceObject'
>;
type Owners = ReadonlyMap<string, string>;

/** What of the other objects an object's projection needs. */
interface Around {
  readonly ownerOf: Owners;
  /** Pods, and what workloads make them from. */
  readonly podsOf: (namespace: string) => readonly PodTemplate[];
}

const projections: Readonly<Record<string, (object: Fields, around: Around) => Projection>> = {
  Pod: podProjection,
  Service: (object, { podsOf }) => serviceProjection(object, podsOf(namespaceOf(object))),
  Endpoints: endpointsProjection,
  EndpointSlice: endpointSliceProjection,
  Namespace: object => ({
    namespaceObject: {
      labels: labelsOf(object),
      annotations: textsOf(fieldsOf(object.metadata).annotations),
    },
  }),
  Node: nodeProjection,
  Deployment: workloadProjection,
  ReplicaSet: workloadProjection,
  StatefulSet: workloadProjection,
  DaemonSet: workloadProjection,
  Job: workloadProjection,
  CronJob: workloadProjection,
};

const clusterScoped = new Set(['Namespace', 'Node']);

function change(object: Fields, projection: Projection, cluster: string): EntityChange {
  const kind = textOf(object.kind);
  const { name, uid, resourceVersion } = fieldsOf(object.metadata);
  const namespace = clusterScoped.has(kind) ? '' : namespaceOf(object);
  return withDefaults('EntityChange', {
    ...{ cluster, kind, namespace, name: textOf(name) },
    uid: textOf(uid) || `${kind}/${namespace}/${textOf(name)}`,
    resourceVersion: textOf(resourceVersion),
    op: 'ADDED',
    cause: 'list',
    observedAt: latestTimeUs(object, projection),
    ...projection,
  });
}

/** The object was as it is when the last thing it tells of had happened; manifests tell of nothing. */
function latestTimeUs(object: Fields, { pod }: Projection): number {
  const times = [timeUs(fieldsOf(object.metadata).creationTimestamp), pod?.startedAt];
  for (const { startedAt, finishedAt } of pod?.containers ?? []) times.push(startedAt, finishedAt);
  return Math.max(0, ...times.filter(time => typeof time === 'number'));
}

function podProjection(object: Fields, { ownerOf }: Around): Projection {
  const [spec, status] = [fieldsOf(object.spec), fieldsOf(object.status)];
  const owner = topOwner(object, ownerOf);
  const images = new Map(containersOf(spec).map(each => [textOf(each.name), textOf(each.image)]));
  const statuses = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'].flatMap(key =>
    listOf(status[key]),
  );
  const told = new Map(statuses.map(each => [textOf(each.name), each]));
  const addresses = [textOf(status.podIP), ...listOf(status.podIPs).map(({ ip }) => textOf(ip))].filter(
    Boolean,
  );
  return {
    pod: withDefaults('PodProjection', {
      labels: labelsOf(object),
      annotations: textsOf(fieldsOf(object.metadata).annotations),
      node: textOf(spec.nodeName),
      addresses: [...new Set(addresses)],
      hostNetwork: spec.hostNetwork === true,
      hostPid: spec.hostPID === true,
      phase: textOf(status.phase),
      serviceAccount: textOf(spec.serviceAccountName),
      ownerKind: owner?.kind ?? 'Pod',
      owner: owner?.name ?? bareName(object),
      startedAt: timeUs(status.startTime) ?? timeUs(fieldsOf(object.metadata).creationTimestamp) ?? null,
      containers: [...new Set([...images.keys(), ...told.keys()])].map(name => {
        const { containerID, state, lastState } = told.get(name) ?? {};
        const { running, terminated } = fieldsOf(state);
        const ended = fieldsOf(terminated);
        return withDefaults('PodContainer', {
          name,
          id: textOf(containerID).replace(/^[a-z-]+:\/\//, ''),
          image: images.get(name) ?? '',
          startedAt:
            timeUs(fieldsOf(running).startedAt) ??
            timeUs(ended.startedAt) ??
            timeUs(fieldsOf(fieldsOf(lastState).terminated).startedAt) ??
            null,
          finishedAt: timeUs(ended.finishedAt) ?? null,
        });
      }),
    }),
  };
}

/** Pods that a node has written down are named after it: the same on every node is one workload. */
function bareName(object: Fields): string {
  const { name, annotations } = fieldsOf(object.metadata);
  const isStatic = textsOf(annotations)['kubernetes.io/config.mirror'] !== undefined;
  const suffix = `-${textOf(fieldsOf(object.spec).nodeName)}`;
  const whole = textOf(name);
  return isStatic && whole.endsWith(suffix) ? whole.slice(0, -suffix.length) : whole;
}

interface Owner {
  readonly kind: string;
  readonly name: string;
}

/** Up the owners as far as the objects tell, then by how controllers name what they make. */
function topOwner(object: Fields, ownerOf: Owners): Owner | undefined {
  const first = ownerReference(object);
  if (!first) return undefined;
  let key = `${first.kind}/${namespaceOf(object)}/${first.name}`;
  for (let next = ownerOf.get(key); next !== undefined; next = ownerOf.get(key)) key = next;
  const [kind = '', , name = ''] = key.split('/');
  const hash = labelsOf(object)['pod-template-hash'];
  if (kind === 'ReplicaSet' && hash && name.endsWith(`-${hash}`))
    return { kind: 'Deployment', name: name.slice(0, -hash.length - 1) };
  return { kind, name };
}

function ownerReference(object: Fields): Owner | undefined {
  const references = listOf(fieldsOf(object.metadata).ownerReferences);
  const owner = references.find(({ controller }) => controller === true) ?? references[0];
  const kind = textOf(owner?.kind);
  // The pods of a control plane are owned by the node they are written down on.
  return owner && kind !== 'Node' ? { kind, name: textOf(owner.name) } : undefined;
}

function workloadProjection(object: Fields, { ownerOf }: Around): Projection {
  const owner = topOwner(object, ownerOf);
  return {
    workload: withDefaults('WorkloadProjection', {
      labels: labelsOf(object),
      selector: selectorOf(object),
      ownerKind: owner?.kind ?? '',
      owner: owner?.name ?? '',
      replicas: Number(fieldsOf(object.spec).replicas ?? 0) || 0,
    }),
  };
}

/**
 * What selects the pods of all runs and revisions: the selector's labels, with those an expression demands as the template
 * has them; where that leaves nothing (jobs), the template's own stable labels.
 */
function selectorOf(object: Fields): Record<string, string> {
  const selector = fieldsOf(fieldsOf(object.spec).selector);
  const template = templateOf(object)?.labels ?? {};
  const labels = textsOf(selector.matchLabels);
  for (const { key, operator } of listOf(selector.matchExpressions)) {
    const value = template[textOf(key)];
    if (value !== undefined && (operator === 'In' || operator === 'Exists')) labels[textOf(key)] = value;
  }
  const stable = stableLabels(labels);
  return Object.keys(stable).length > 0 ? stable : stableLabels(template);
}

function nodeProjection(object: Fields): Projection {
  const told = listOf(fieldsOf(object.status).addresses);
  const addresses = told.filter(({ type }) => type !== 'Hostname').map(({ address }) => textOf(address));
  const spec = fieldsOf(object.spec);
  const podRanges = [...new Set([...texts(spec.podCIDRs), textOf(spec.podCIDR)])].filter(Boolean);
  return { node: { labels: labelsOf(object), addresses, podRanges } };
}
