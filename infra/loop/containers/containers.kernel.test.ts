import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootGuest, type Guest } from '#guest';
import { Containers } from './containers.ts';
import { pods } from './pods.ts';

/** The control run: nobody enforces, so every attack must get through. Only then does a denial mean something. */
describe('real containers that nobody protects', () => {
  let guest: Guest;
  let containers: Containers;

  beforeAll(async () => {
    guest = await bootGuest();
    containers = await Containers.prepare(guest);
    await containers.start('redis');
    await containers.start('nginx');
  });

  afterAll(() => guest?.shutdown());

  it.each(['nginx', 'redis'] as const)(
    '%s runs in the cgroup a kubelet would give it, in namespaces of its own',
    async name => {
      const pids = await guest.exec(`cat /sys/fs/cgroup${pods[name].cgroupPath}/cgroup.procs`);
      const [pid] = pids.output.trim().split('\n');
      expect(Number(pid)).toBeGreaterThan(1);
      const { output } = await guest.exec(
        `for n in pid mnt net ipc uts cgroup; do [ $(readlink /proc/${pid}/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo shared $n; done; cat /proc/${pid}/comm`,
      );
      expect(output).toBe(name === 'nginx' ? 'nginx\n' : 'redis-server\n');
    },
  );

  it('answers ordinary use, again and again', async () => {
    await containers.drive({ rounds: 2 });
    await containers.drive({ rounds: 1 });
  });

  it('falls to every attack, and goes on serving', async () => {
    const results = await containers.attack();
    expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['exec-shell', 'succeeded'],
      ['exec-shell-by-runtime', 'succeeded'],
      ['read-shadow', 'succeeded'],
      ['connect-listener', 'succeeded'],
      ['ptrace-master', 'succeeded'],
    ]);
    const [exec, runtime, shadow, connect, ptrace] = results.map(({ text }) => text);
    expect(exec).toContain('uid=0(root)');
    expect(runtime).toContain('uid=0(root)');
    expect(shadow).toMatch(/^root:/);
    expect(connect).toBe('listener');
    expect(ptrace).toBe('attached to 1');
    await containers.drive({ rounds: 1 });
  });

  it('tells a refusal from a success', async () => {
    const shell = '/var/lib/sluice/containers/nginx/rootfs/bin/dash';
    await guest.exec(`chmod -x ${shell}`);
    const results = await containers.attack();
    await guest.exec(`chmod +x ${shell}`);
    expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['exec-shell', 'denied'],
      ['exec-shell-by-runtime', 'denied'],
      ['read-shadow', 'succeeded'],
      ['connect-listener', 'succeeded'],
      ['ptrace-master', 'succeeded'],
    ]);
    expect(results[0]?.text).toBe('Permission denied');
    expect(results[1]?.text).toContain('permission denied');
  });

  it('says which answer is wrong when a container is gone', async () => {
    await containers.stop('redis');
    await expect(containers.drive({ rounds: 1 })).rejects.toMatchObject({
      message: expect.stringContaining(`redis at ${pods.redis.ip}:6379`),
    });
    await containers.start('redis');
    await containers.drive({ rounds: 1 });
  });
});
