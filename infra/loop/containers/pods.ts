/**
 * Who runs in the loop: what an informer would say of the pods, fixed, so that every run tells the same story.
 *
 * Owns: names, uids, labels, addresses, container ids, cgroup paths. Does not own: starting anything, records (entities.ts).
 * It imports nothing of ours: what runs in the guest reads it, and starts slowly enough there.
 */

import { createHash } from 'node:crypto';

export interface Pod {
  /** Name of the container, the app label, the workload. */
  readonly app: 'nginx' | 'redis' | 'client';
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: {
    readonly kind: 'Deployment' | 'StatefulSet';
    readonly name: string;
    readonly uid: string;
    /** spec.selector.matchLabels. */
    readonly selector: Readonly<Record<string, string>>;
  };
  readonly image: string;
  /** 64 hex digits, as a runtime gives them; also the id runc knows it by. */
  readonly containerId: string;
  /** Below the root of the cgroup tree, kubelet with the systemd driver. */
  readonly cgroupPath: string;
}

export const namespace = 'shop';

/** What nginx must not reach: a TCP server that belongs to no pod. */
export const listener = { ip: '10.9.0.40', port: 5000, banner: 'listener' } as const;
export const gateway = '10.9.0.1';

export const pods = {
  nginx: pod({
    app: 'nginx',
    name: 'nginx-6f5b9c7d84-hx2vq',
    ip: '10.9.0.10',
    kind: 'Deployment',
    image: 'nginx:1.22',
  }),
  redis: pod({ app: 'redis', name: 'redis-0', ip: '10.9.0.20', kind: 'StatefulSet', image: 'redis:7.0' }),
  client: pod({
    app: 'client',
    name: 'client-5d4c8f9b6b-q7t9n',
    ip: '10.9.0.30',
    kind: 'Deployment',
    image: 'client:1',
  }),
} as const satisfies Record<string, Pod>;

interface PodSeed extends Pick<Pod, 'app' | 'name' | 'ip' | 'image'> {
  readonly kind: Pod['workload']['kind'];
}

function pod({ app, name, ip, image, kind }: PodSeed): Pod {
  const uid = uuid(`pod/${name}`);
  const containerId = createHash('sha256').update(`container/${name}`).digest('hex');
  return {
    app,
    name,
    uid,
    ip,
    labels: { app, ...(kind === 'Deployment' && { 'pod-template-hash': name.split('-')[1] ?? '' }) },
    workload: { kind, name: app, uid: uuid(`${kind}/${app}`), selector: { app } },
    image: `docker.io/library/${image}`,
    containerId,
    cgroupPath: [
      '/kubepods.slice/kubepods-burstable.slice',
      `kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`,
      `cri-containerd-${containerId}.scope`,
    ].join('/'),
  };
}

/** A version 4 uuid made of a name. */
export function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
