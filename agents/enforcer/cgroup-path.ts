/**
 * Reads pod and container out of a cgroup path.
 *
 * Owns: the naming of kubelet (systemd and cgroupfs drivers) and of docker, containerd, CRI-O and podman.
 * Does not own: finding the directories (cgroup-watch.ts), who a container is (identity.ts).
 *
 * A path is a container's only when its last part names one: what lies deeper belongs to the same container, and the
 * kernel part finds it by walking up.
 */

export interface ContainerCgroup {
  /** Empty: not a pod's container. */
  readonly podUid: string;
  readonly containerId: string;
}

const id = '(?<id>[0-9a-f]{64})';
/** systemd driver: `cri-containerd-<id>.scope`, `crio-<id>.scope`, `docker-<id>.scope`, `libpod-<id>.scope`. */
const scopeUnit = new RegExp(`^(?:cri-containerd|crio|docker|libpod|containerd)-${id}\\.scope$`);
/** cgroupfs driver: `<id>`, CRI-O `crio-<id>`, podman `libpod-<id>`. */
const plainDirectory = new RegExp(`^(?:crio-|libpod-)?${id}$`);
/** containerd told to use cgroupfs while kubelet uses systemd: `kubepods-…-pod<uid>.slice:cri-containerd:<id>`. */
const mixedDrivers = new RegExp(`^(?<slice>[^:]+\\.slice):(?:cri-containerd|crio|docker):${id}$`);

/** A pod's uid: with dashes, with underscores (systemd), or the 32 digits of a static pod. */
const uid = '(?<uid>[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})';
const podSlice = new RegExp(`-pod${uid}\\.slice$`);
const podDirectory = new RegExp(`^pod${uid}$`);

/** Pod and container of a container's own cgroup; undefined for every other directory. */
export function containerOf(path: string): ContainerCgroup | undefined {
  const parts = path.split('/').filter(part => part !== '');
  const name = parts.at(-1) ?? '';
  const mixed = mixedDrivers.exec(name)?.groups;
  if (mixed) return { podUid: podUidOf(mixed.slice!), containerId: mixed.id! };
  const containerId = (scopeUnit.exec(name) ?? plainDirectory.exec(name))?.groups?.id;
  if (!containerId) return undefined;
  return { podUid: podUidOf(parts.at(-2) ?? ''), containerId };
}

function podUidOf(name: string): string {
  const found = (podSlice.exec(name) ?? podDirectory.exec(name))?.groups?.uid;
  return found?.replaceAll('_', '-') ?? '';
}
