/**
 * Real containers in a guest: nginx and redis under runc, a client and a listener beside them.
 *
 * Owns: their network, bundles, starting in stages, driving and attacking them.
 * Does not own: the guest (#guest), who watches them, what is concluded.
 * Invariant: nothing of a container runs before `start`, so that a sensor that was there first sees all of it.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '#errors';
import type { Guest, GuestProcess } from '#guest';
import type { AttackResult } from './attack.ts';
import { bundleConfig } from './bundle.ts';
import { needImage } from './image.ts';
import { gateway, listener, pods } from './pods.ts';

export type ContainerName = 'nginx' | 'redis';

const folder = import.meta.dirname;
const bundles = '/var/lib/sluice/containers';
/** Of each container: its program, and the ports that listen once it serves. */
const programs = {
  nginx: { args: ['/usr/sbin/nginx'], user: 'root', ports: [80, 6380] },
  redis: { args: ['/usr/bin/redis-server', '/etc/redis/redis.conf'], user: 'redis', ports: [6379] },
} as const;

export class Containers {
  readonly #guest: Guest;
  #listener: GuestProcess | undefined;

  private constructor(guest: Guest) {
    this.#guest = guest;
  }

  /** Network and bundles, and the listener that nobody should reach. No container runs yet. Errors: UNREACHABLE. */
  static async prepare(guest: Guest): Promise<Containers> {
    const image = await needImage();
    const containers = new Containers(guest);
    // Debian's default already: a policy, not a setting of the kernel, is what must deny ptrace.
    await containers.#must('echo 0 > /proc/sys/kernel/yama/ptrace_scope');
    const addresses = [
      ...Object.values(pods).map(({ app, ip }) => `${app}=${ip}`),
      `listener=${listener.ip}`,
    ];
    await containers.#must(`bash ${quote(join(folder, 'network.sh'))} ${gateway} ${addresses.join(' ')}`);
    for (const name of ['redis', 'nginx'] as const) await containers.#layOut(name, image);
    await containers.#listen();
    return containers;
  }

  /** Starts a container and waits until it listens. Errors: UNREACHABLE with its log. */
  async start(name: ContainerName): Promise<void> {
    const log = `${bundles}/${name}.log`;
    await this.#must(
      `runc run --detach --bundle ${bundles}/${name} ${pods[name].containerId} >${log} 2>&1 || { cat ${log}; exit 1; }`,
    );
    // Asked of the kernel, not by connecting: a probe would be one more peer to learn.
    const listening = programs[name].ports
      .map(port => `ss -N ${name} -Hltn sport = :${port} | grep -q .`)
      .join(' && ');
    await this.#must(
      `for i in $(seq 150); do ${listening} && exit; sleep 0.2; done; echo ${name} does not listen; cat ${log}; exit 1`,
    );
  }

  /** What ordinary use looks like, the same every time. Errors: UNREACHABLE when an answer is wrong, with the wrong ones. */
  async drive({ rounds }: { readonly rounds: number }): Promise<void> {
    await this.#must(
      inNetworkOf('client', `node ${quote(join(folder, 'drive.ts'))} --rounds ${rounds}`),
      300_000,
    );
  }

  /** Every attack once, in order; each says whether it succeeded. */
  async attack(): Promise<readonly AttackResult[]> {
    const output = await this.#must(inNetworkOf('client', `node ${quote(join(folder, 'attack.ts'))}`));
    return output
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as AttackResult);
  }

  /** What the container wrote on its standard output and error. */
  async log(name: ContainerName): Promise<string> {
    return this.#must(`cat ${bundles}/${name}.log`);
  }

  /** Kills a container and what runs in it. */
  async stop(name: ContainerName): Promise<void> {
    await this.#must(`runc delete --force ${pods[name].containerId}`);
  }

  async #layOut(name: ContainerName, image: string): Promise<void> {
    const { args, user } = programs[name];
    const bundle = `${bundles}/${name}`;
    await this.#must(
      `bash ${[join(folder, 'bundle.sh'), image, bundle, join(folder, 'files', name)].map(quote).join(' ')}`,
    );
    const data = name === 'redis' ? `install -d -o $uid -g $gid ${bundle}/rootfs/data;` : '';
    const ids = await this.#must(
      `IFS=: read -r _ _ uid gid _ < <(grep ^${user}: ${bundle}/rootfs/etc/passwd); ${data} echo $uid $gid`,
    );
    const [uid = 0, gid = 0] = ids.trim().split(' ').map(Number);
    const networkNamespace = `/run/netns/${name}`;
    const config = JSON.stringify(bundleConfig({ pod: pods[name], args, uid, gid, networkNamespace }));
    const file = join(this.#guest.sharedDir, `${name}-config.json`);
    await writeFile(file, config);
    await this.#must(`cp ${quote(file)} ${bundle}/config.json`);
  }

  async #listen(): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const command = inNetworkOf('listener', `node ${quote(join(folder, 'listener.ts'))}`);
    this.#listener = await this.#guest.spawn(`exec ${command}`, { onOutput: () => ready.resolve() });
    const ended = this.#listener.exited.then(() => {
      throw new SluiceError('UNREACHABLE', `The listener ended: ${this.#listener?.output()}`);
    });
    await Promise.race([ready.promise, ended]);
    ended.catch(() => {});
  }

  async #must(command: string, timeoutMs = 60_000): Promise<string> {
    const { exitCode, output } = await this.#guest.exec(command, { timeoutMs });
    if (exitCode === 0) return output;
    const said = output.trim().split('\n').slice(-20).join('\n');
    throw new SluiceError('UNREACHABLE', `In the guest, exit code ${exitCode} of ${command}\n${said}`);
  }
}

/** Only the network is entered: the rest of the guest stays in sight. */
function inNetworkOf(name: string, command: string): string {
  return `nsenter --net=/run/netns/${name} ${command}`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
