import { describe, expect, it } from 'vitest';
import { containerOf } from './cgroup-path.ts';

const id = '4f1d2c9ab37e6058d1f04c2b9e8a7d6c5b4a39281706f5e4d3c2b1a098765432';
const uid = '1f0d7c3e-55aa-4b1c-9e0f-0123456789ab';
const uidOfSystemd = uid.replaceAll('-', '_');
const staticUid = 'a3f0c1d2e4b5968778695a4b3c2d1e0f';

describe('cgroup paths of containers', () => {
  it.each([
    [
      'containerd, systemd, burstable',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uidOfSystemd}.slice/cri-containerd-${id}.scope`,
      uid,
    ],
    [
      'containerd, systemd, guaranteed',
      `/kubepods.slice/kubepods-pod${uidOfSystemd}.slice/cri-containerd-${id}.scope`,
      uid,
    ],
    [
      'CRI-O, systemd',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${uidOfSystemd}.slice/crio-${id}.scope`,
      uid,
    ],
    [
      'docker, systemd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uidOfSystemd}.slice/docker-${id}.scope`,
      uid,
    ],
    ['containerd or docker, cgroupfs', `/kubepods/burstable/pod${uid}/${id}`, uid],
    ['cgroupfs, guaranteed', `/kubepods/pod${uid}/${id}`, uid],
    ['CRI-O, cgroupfs', `/kubepods/besteffort/pod${uid}/crio-${id}`, uid],
    ['a static pod', `/kubepods/burstable/pod${staticUid}/${id}`, staticUid],
    [
      'a static pod, systemd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${staticUid}.slice/cri-containerd-${id}.scope`,
      staticUid,
    ],
    [
      'kind',
      `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${uidOfSystemd}.slice/cri-containerd-${id}.scope`,
      uid,
    ],
    ['kind inside docker', `/docker/${id.replace('4', '5')}/kubelet/kubepods/burstable/pod${uid}/${id}`, uid],
    [
      'kubelet with systemd, containerd without',
      `/system.slice/containerd.service/kubepods-burstable-pod${uidOfSystemd}.slice:cri-containerd:${id}`,
      uid,
    ],
    ['docker alone, systemd', `/system.slice/docker-${id}.scope`, ''],
    ['docker alone, cgroupfs', `/docker/${id}`, ''],
    ['podman', `/machine.slice/libpod-${id}.scope`, ''],
  ])('names pod and container of %s', (_, path, podUid) => {
    expect(containerOf(path)).toEqual({ podUid, containerId: id });
  });

  it.each([
    ['the root', '/'],
    ['a quality-of-service slice', '/kubepods.slice/kubepods-burstable.slice'],
    ['a pod', `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uidOfSystemd}.slice`],
    ['what lies inside a container', `/kubepods/burstable/pod${uid}/${id}/init.scope`],
    ["CRI-O's monitor", `/kubepods.slice/kubepods-pod${uidOfSystemd}.slice/crio-conmon-${id}.scope`],
    ["podman's monitor", `/machine.slice/libpod-conmon-${id}.scope`],
    ['a service', '/system.slice/containerd.service'],
    ['a short id', `/kubepods/pod${uid}/${id.slice(1)}`],
    ['a long id', `/kubepods/pod${uid}/${id}0`],
  ])('takes %s for no container', (_, path) => {
    expect(containerOf(path)).toBeUndefined();
  });

  it('takes a directory that only looks like a pod for none', () => {
    expect(containerOf(`/kubepods/podnot-a-uid/${id}`)).toEqual({ podUid: '', containerId: id });
  });
});
