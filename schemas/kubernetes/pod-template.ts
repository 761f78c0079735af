/** What workloads make pods from, and pods themselves: labels, containers, ports by name. */

import { type Fields, fieldsOf, labelsOf, listOf, textOf } from './object-fields.ts';

export interface PodTemplate {
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly string[];
  readonly hostNetwork: boolean;
  /** Numbers of its containers' ports by name; several where containers differ. */
  readonly ports: Readonly<Record<string, readonly number[]>>;
}

/** Of a workload; undefined: the object makes no pods. */
export function templateOf(object: Fields): PodTemplate | undefined {
  const spec = fieldsOf(object.spec);
  const job = fieldsOf(fieldsOf(spec.jobTemplate).spec);
  const template = fieldsOf(spec.template ?? job.template);
  if (Object.keys(template).length === 0) return undefined;
  return podOf(template);
}

export function podOf(template: Fields): PodTemplate {
  const spec = fieldsOf(template.spec);
  const containers = containersOf(spec);
  const ports: Record<string, number[]> = {};
  for (const { name, containerPort } of containers.flatMap(each => listOf(each.ports)))
    if (name !== undefined) ports[textOf(name)] = [...(ports[textOf(name)] ?? []), Number(containerPort)];
  const names = containers.map(({ name }) => textOf(name));
  return { labels: labelsOf(template), containers: names, hostNetwork: spec.hostNetwork === true, ports };
}

export function containersOf(podSpec: Fields): Fields[] {
  return ['containers', 'initContainers', 'ephemeralContainers'].flatMap(key => listOf(podSpec[key]));
}
