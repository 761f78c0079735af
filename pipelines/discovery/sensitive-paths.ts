/**
 * What must never be admitted by accident: a rule admits one of these only if exactly it was seen.
 *
 * Owns: which paths are sensitive, and which directories hold or may hold such.
 */

/** Directories all of whose content is sensitive. */
const directories = [
  '/etc/ssh/',
  '/etc/ssl/private/',
  '/etc/pki/tls/private/',
  '/etc/sudoers.d/',
  '/etc/kubernetes/',
  '/etc/krb5kdc/',
  '/var/lib/kubelet/',
  '/var/run/secrets/',
  '/run/secrets/',
  '/root/.ssh/',
  '/root/.aws/',
  '/root/.kube/',
  '/root/.gnupg/',
  '/root/.docker/',
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
  '/dev/mem',
  '/dev/kmem',
];

/** By what they are called, wherever they lie. */
const names = [
  /^id_(rsa|dsa|ecdsa|ed25519)$/,
  /\.(key|pem|p12|pfx|jks|keytab|kdbx)$/,
  /^(token|credentials|\.netrc|\.pgpass|\.git-credentials|\.htpasswd)$/,
];
const homes = /^\/home\/[^/]+\/\.(ssh|aws|kube|gnupg|docker)\//;
const ofProcesses = /^\/proc\/[^/]+\/(task\/[^/]+\/)?(environ|mem)$/;

export function isSensitive(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/', path.length - 2) + 1);
  return (
    files.includes(path) ||
    directories.some(directory => path.startsWith(directory)) ||
    names.some(pattern => pattern.test(name)) ||
    homes.test(path) ||
    ofProcesses.test(path)
  );
}

/** Directories too wide to admit: what lies right in them (or, recursive, below) may be any of the above. */
export function mayHoldSensitive(directory: string, recursive: boolean): boolean {
  if (isSensitive(`${directory}x`) || directory === '/' || directory === '/etc/') return true;
  if (directory === '/home/' || directory === '/root/' || /^\/home\/[^/]+\/$/.test(directory))
    return recursive;
  if (!recursive) return files.some(file => parentOf(file) === directory);
  return [...directories, ...files].some(path => path.startsWith(directory));
}

/** Programs, libraries and the system's own configuration: a directory of these is never admitted for writing. */
export function mustNotBeWritten(directory: string): boolean {
  return (
    /^\/(usr|bin|sbin|lib[^/]*|boot|etc|sys|dev)\/$/.test(directory) ||
    /^\/(usr|bin|sbin|lib[^/]*|boot|etc|sys)\//.test(directory)
  );
}

/** The directory a path lies in, with its slash; of a directory the one above; empty of the root. */
export function parentOf(path: string): string {
  return path.length < 2 ? '' : path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}
