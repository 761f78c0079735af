/**
 * A Kubernetes API server of its own for a test run: etcd and kube-apiserver on free loopback ports, in a temporary folder.
 *
 * Invariant: nothing of it outlives this process, however the process ends. It is killed, not asked to stop: with an open watch
 * the API server takes a minute to stop.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '#errors';
import { freePorts, startWatchdog, type Watchdog } from '#local';
import { type KubeAccess, KubeClient } from './kube-client.ts';
import type { KubePrograms } from './programs.ts';

export interface ApiServer {
  /** Of an administrator. Plain data: it may be handed to another process. */
  readonly access: KubeAccess;
  /** Resolves when both are gone and the folder is removed. */
  stop(): Promise<void>;
}

const lookAgainMs = 50;
const shownLines = 15;

/** Resolves when it is ready. Errors: UNREACHABLE with the end of the log of what ended, TIMEOUT. */
export async function startApiServer(programs: KubePrograms, readyWithinMs = 60_000): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-kube-'));
  const watchdog = startWatchdog(folder);
  const deadline = performance.now() + readyWithinMs;
  const ready = (service: Service, isReady: () => Promise<boolean>) => untilReady(service, isReady, deadline);
  try {
    const [client, peer, secure] = (await freePorts(3)) as [number, number, number];
    const etcdUrl = `http://127.0.0.1:${client}`;
    const etcd = await launch(
      { folder, watchdog, name: 'etcd', program: programs.etcd },
      etcdArgs(folder, etcdUrl, peer),
    );
    await ready(etcd, async () => (await fetch(`${etcdUrl}/health`)).ok);
    const token = randomBytes(16).toString('hex');
    const args = await apiServerArgs(folder, { etcdUrl, secure, token });
    const server = await launch(
      { folder, watchdog, name: 'kube-apiserver', program: programs.apiServer },
      args,
    );
    const accessTo = async (): Promise<KubeAccess> => ({
      ...{ url: `https://127.0.0.1:${secure}`, token },
      certificate: await readFile(join(folder, 'certs', 'apiserver.crt'), 'utf8'),
    });
    await ready(server, async () => new KubeClient(await accessTo()).isReady());
    return { access: await accessTo(), stop: () => watchdog.release() };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

function etcdArgs(folder: string, url: string, peerPort: number): string[] {
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `default=${peerUrl}`],
  ];
}

interface ServerSetup {
  readonly etcdUrl: string;
  readonly secure: number;
  readonly token: string;
}

async function apiServerArgs(folder: string, { etcdUrl, secure, token }: ServerSetup): Promise<string[]> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [signing, verifying, tokens] = ['sa.key', 'sa.pub', 'tokens.csv'].map(name => join(folder, name));
  await writeFile(signing!, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  await writeFile(verifying!, publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(tokens!, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  return [
    `--etcd-servers=${etcdUrl}`,
    ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${secure}`],
    ...[`--cert-dir=${join(folder, 'certs')}`, '--endpoint-reconciler-type=none'],
    ...['--service-cluster-ip-range=10.96.0.0/16', `--token-auth-file=${tokens}`],
    '--service-account-issuer=https://kubernetes.default.svc',
    ...[`--service-account-key-file=${verifying}`, `--service-account-signing-key-file=${signing}`],
    ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount'],
  ];
}

interface Launch {
  readonly folder: string;
  readonly watchdog: Watchdog;
  readonly name: string;
  readonly program: string;
}

interface Service {
  readonly name: string;
  readonly child: ChildProcess;
  readonly log: string;
}

async function launch(
  { folder, watchdog, name, program }: Launch,
  args: readonly string[],
): Promise<Service> {
  const log = join(folder, `${name}.log`);
  const file = await open(log, 'a');
  try {
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: ['ignore', file.fd, file.fd] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    watchdog.watch(child.pid!);
    return { name, child, log };
  } catch (cause) {
    throw new SluiceError('UNREACHABLE', `${program} could not be started: ${cause}`, { cause });
  } finally {
    await file.close();
  }
}

async function untilReady(
  { name, child, log }: Service,
  isReady: () => Promise<boolean>,
  deadline: number,
): Promise<void> {
  while (!(await isReady().catch(() => false))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || performance.now() > deadline) {
      const text = await readFile(log, 'utf8').catch(() => '(no log)');
      const end = text.trim().split('\n').slice(-shownLines).join('\n');
      const what = hasEnded ? 'ended while starting' : 'did not become ready in time';
      throw new SluiceError(
        hasEnded ? 'UNREACHABLE' : 'TIMEOUT',
        `${name} ${what}. The end of its log:\n${end}`,
      );
    }
    await sleep(lookAgainMs);
  }
}
