/**
 * What must never be admitted by accident: a rule admits one of these only if exactly it was seen.
 *
 * Owns: which paths are sensitive, which directories hold or may hold such, what a directory is for.
 */

/** What a directory is for: what a container makes up under way, what it works on, what came with the image. */
export type PlaceKind = 'scratch' | 'data' | 'programs';

/** In the place of a name in the path of a behaviour: so many names were seen there that they are not told apart. */
export const anyName = '…';

/** Directories all of whose content is sensitive. */
const directories = [
  '/etc/ssh/',
  '/etc/ssl/private/',
  '/etc/pki/tls/private/',
  '/etc/sudoers.d/',
  '/etc/kubernetes/',
  '/etc/krb5kdc/',
  '/var/lib/kubelet/',
  '/var/lib/etcd/',
  '/var/run/secrets/',
  '/run/secrets/',
];

const files = [
  '/etc/shadow',
  '/etc/shadow-',
  '/etc/gshadow',
  '/etc/gshadow-',
  '/etc/sudoers',
  '/etc/krb5.keytab',
  '/etc/security/opasswd',
  '/proc/kcore',
  '/proc/kallsyms',
  '/proc/keys',
  '/proc/kmsg',
  '/dev/mem',
  '/dev/kmem',
  // Whoever may speak to a runtime is root on the node.
  ...['/run', '/var/run'].flatMap(run => [
    `${run}/docker.sock`,
    `${run}/podman/podman.sock`,
    `${run}/containerd/containerd.sock`,
    `${run}/crio/crio.sock`,
    `${run}/cri-dockerd.sock`,
  ]),
];

/** By what they are called, wherever they lie. */
const names = [
  /^id_(rsa|dsa|ecdsa|ed25519)$/,
  /\.(key|pem|p12|pfx|jks|keytab|kdbx)$/,
  /^(token|credentials|\.netrc|\.pgpass|\.git-credentials|\.htpasswd|\.npmrc|\.pypirc|\.env)$/,
  /^\.[a-z]+_history$/,
];
/** Of whoever's home. */
const hidden = /\/\.(ssh|aws|azure|kube|gnupg|docker|config\/gcloud)\//;
const ofProcesses = /^\/proc\/[^/]+\/(task\/[^/]+\/)?(environ|mem|maps|auxv|stack|syscall|root|cwd)(\/|$)/;

export class SensitivePaths {
  readonly #directories: readonly string[];
  readonly #files: readonly string[];

  /** `further`: of whoever runs it; directories end in a slash. */
  constructor(further: readonly string[] = []) {
    this.#directories = [...directories, ...further.filter(isDirectory)];
    this.#files = [...files, ...further.filter(path => !isDirectory(path))];
  }

  isSensitive(path: string): boolean {
    const name = path.slice(path.lastIndexOf('/', path.length - 2) + 1);
    return (
      this.#files.includes(path) ||
      this.#directories.some(directory => path.startsWith(directory)) ||
      names.some(pattern => pattern.test(name)) ||
      hidden.test(path) ||
      ofProcesses.test(path)
    );
  }

  /** Directories too wide to admit: what lies right in them (or, recursive, below) may be any of the above. */
  mayLieIn(directory: string, recursive: boolean): boolean {
    if (this.isSensitive(`${directory}x`) || directory === '/' || directory === '/etc/') return true;
    if (directory.startsWith('/proc/') && !directory.startsWith('/proc/sys/')) return true;
    if (directory === '/home/' || directory === '/root/' || /^\/home\/[^/]+\/$/.test(directory))
      return recursive;
    if (!recursive) return this.#files.some(file => parentOf(file) === directory);
    return [...this.#directories, ...this.#files].some(path => path.startsWith(directory));
  }
}

function isDirectory(path: string): boolean {
  return path.endsWith('/');
}

const scratch = /^\/(tmp|var\/tmp|run|var\/run|dev\/shm|var\/cache|var\/log|var\/spool)\//;
const system = /^\/(usr|bin|sbin|lib[^/]*|boot|etc|sys|proc)\//;

export function placeOf(directory: string): PlaceKind {
  if (scratch.test(directory)) return 'scratch';
  return mustNotBeWritten(directory) ? 'programs' : 'data';
}

/** Programs, libraries and the system's own configuration: a directory of these is never admitted for writing. */
export function mustNotBeWritten(directory: string): boolean {
  return system.test(directory) || directory === '/dev/';
}

/** The directory a path lies in, with its slash; of a directory the one above; empty of the root. */
export function parentOf(path: string): string {
  return path.length < 2 ? '' : path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}
