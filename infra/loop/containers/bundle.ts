/** The OCI configuration of a container, as containerd gives it to runc for a pod of Kubernetes. */

import type { Pod } from './pods.ts';

/** Docker's and containerd's default set. */
const capabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL'],
  'CAP_AUDIT_WRITE',
];

const tmpfs = (destination: string, ...options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', ...options],
});

const mounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  tmpfs('/dev', 'strictatime', 'mode=755', 'size=65536k'),
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  tmpfs('/dev/shm', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'ro'],
  },
];

export interface BundleOptions {
  readonly pod: Pod;
  readonly args: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Absolute path of the network namespace in the guest. */
  readonly networkNamespace: string;
}

export function bundleConfig({ pod, args, uid, gid, networkNamespace }: BundleOptions): object {
  // A user who is not root gets no effective capabilities, as with containerd.
  const effective = uid === 0 ? capabilities : [];
  return {
    ociVersion: '1.0.2',
    hostname: pod.name,
    root: { path: 'rootfs' },
    process: {
      terminal: false,
      cwd: '/',
      user: { uid, gid },
      args,
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `HOSTNAME=${pod.name}`],
      capabilities: { bounding: capabilities, effective, permitted: effective },
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 65_536, hard: 65_536 }],
      oomScoreAdj: 1000,
    },
    mounts,
    linux: {
      cgroupsPath: pod.cgroupPath,
      namespaces: [
        ...['pid', 'ipc', 'uts', 'mount', 'cgroup'].map(type => ({ type })),
        { type: 'network', path: networkNamespace },
      ],
      // Nothing but the policy may stand in the way of an attack: allowed unless hopeless.
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64'],
        syscalls: [{ names: ['kexec_load', 'init_module', 'finit_module'], action: 'SCMP_ACT_ERRNO' }],
      },
      maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}
