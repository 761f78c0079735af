import { describe, expect, it } from 'vitest';
import { entityKey, localSerdes } from '#schemas';
import { entityChanges } from './entities.ts';
import { listener, pods } from './pods.ts';

const view = { cluster: 'loop', node: 'guest', observedAtUs: 1_700_000_000_000_000 };

describe('the pods of the loop', () => {
  it('are named, addressed and identified once each', () => {
    const all = Object.values(pods);
    for (const field of ['name', 'uid', 'ip', 'containerId', 'cgroupPath'] as const) {
      expect(new Set(all.map(pod => pod[field])).size, field).toBe(all.length);
    }
    expect(all.map(({ ip }) => ip as string)).not.toContain(listener.ip);
  });

  it('are the same in every run', () => {
    expect(pods.nginx.uid).toBe('1db10050-6656-4bb2-ad98-498b8ffffe99');
    expect(pods.nginx.cgroupPath).toBe(
      [
        '/kubepods.slice/kubepods-burstable.slice',
        'kubepods-burstable-pod1db10050_6656_4bb2_ad98_498b8ffffe99.slice',
        'cri-containerd-f38a7a6f56616a4ac2ec0ff02b050fd7105fe9ffeadcef6b3510f5dd304e19c4.scope',
      ].join('/'),
    );
  });

  it('have the selector of their owner among their labels', () => {
    for (const { labels, workload } of Object.values(pods)) expect(labels).toMatchObject(workload.selector);
  });
});

describe('their records', () => {
  it('survive their schema unchanged', () => {
    const serde = localSerdes().of('entities.v1');
    for (const change of entityChanges(view))
      expect(serde.deserialize(serde.serialize(change))).toEqual(change);
  });

  it('have a key of their own each', () => {
    const changes = entityChanges(view);
    expect(new Set(changes.map(entityKey)).size).toBe(changes.length);
    expect(changes.map(entityKey)).toContain('loop/StatefulSet/shop/redis');
  });

  it('name each container as its cgroup does', () => {
    const changes = entityChanges(view);
    for (const { cgroupPath, containerId, name } of Object.values(pods)) {
      const pod = changes.find(change => change.kind === 'Pod' && change.name === name);
      expect(pod?.pod?.containers.map(({ id }) => id)).toEqual([containerId]);
      expect(cgroupPath).toContain(`cri-containerd-${containerId}.scope`);
      expect(cgroupPath).toContain(`pod${pod?.uid.replaceAll('-', '_')}.slice`);
    }
  });
});
