import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootGuest, type Guest } from './guest.ts';
import { needKernel } from './kernel.ts';
import { runInGuest } from './run.ts';
import { sweep } from './run-folder.ts';

const main = join(import.meta.dirname, 'main.ts');

describe('one guest', () => {
  let guest: Guest;
  let port = 0;
  const server = createServer((_request, response) => response.end('host here'));

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    guest = await bootGuest({ forwardHostPorts: [port], onNote: text => console.warn(text) });
  });

  afterAll(async () => {
    await guest?.shutdown();
    server.close();
  });

  it('gives the exit code and the output of commands run one after another', async () => {
    expect(await guest.exec('echo one; echo two >&2')).toMatchObject({ exitCode: 0, output: 'one\ntwo\n' });
    expect((await guest.exec('exit 7')).exitCode).toBe(7);
    expect((await guest.exec('kill -9 $$')).exitCode).toBe(137);
  });

  it('answers a trivial command within 300 ms when the machine is not busy otherwise', async () => {
    const seconds: number[] = [];
    for (let i = 0; i < 15; i++) seconds.push((await guest.exec('true')).seconds);
    expect(Math.min(...seconds)).toBeLessThan(0.3);
  });

  it('enforces with BPF-LSM, has BTF, bpffs, tracefs and a unified cgroup tree', async () => {
    const { output } = await guest.exec(
      'cat /sys/kernel/security/lsm; echo; test -r /sys/kernel/btf/vmlinux && echo btf; findmnt -no FSTYPE /sys/fs/bpf /sys/kernel/tracing /sys/fs/cgroup; nproc',
    );
    expect(output.split('\n')[0]?.split(',')).toContain('bpf');
    expect(output).toContain('btf\n');
    expect(
      (
        await guest.exec(
          'for m in /sys/fs/bpf /sys/kernel/tracing /sys/fs/cgroup; do findmnt -no FSTYPE $m; done',
        )
      ).output,
    ).toBe('bpf\ntracefs\ncgroup2\n');
    expect(output.trim().split('\n').at(-1)).toBe('2');
  });

  it('streams output while the command runs, whole characters only', async () => {
    const seen: { text: string; atMs: number }[] = [];
    await guest.exec("printf 'first \\303'; sleep 1; printf '\\251\\n'; echo last", {
      onOutput: text => seen.push({ text, atMs: performance.now() }),
    });
    expect(seen.map(({ text }) => text).join('')).toBe('first é\nlast\n');
    expect(seen[0]?.text).toBe('first ');
    expect((seen.at(-1)?.atMs ?? 0) - (seen[0]?.atMs ?? 0)).toBeGreaterThan(500);
  });

  it('keeps large output whole', async () => {
    const { output } = await guest.exec('seq 1 200000');
    expect(output.length).toBe(1_288_895);
    expect(output.endsWith('199999\n200000\n')).toBe(true);
  });

  it('runs commands side by side', async () => {
    const meet = (mine: string, other: string) =>
      guest.exec(`touch /run/${mine}; until [ -e /run/${other} ]; do sleep 0.1; done; echo ${mine}`);
    const results = await Promise.all([meet('a', 'b'), meet('b', 'a')]);
    expect(results.map(({ output }) => output)).toEqual(['a\n', 'b\n']);
  });

  it('kills a command that runs too long, with all it started, and says so', async () => {
    await expect(
      guest.exec('echo begun; sleep 4711 & sleep 4711', { timeoutMs: 1000 }),
    ).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('begun'),
    });
    await eventually(async () => {
      expect((await guest.exec('pgrep -fc "^sleep 4711"')).output).toBe('0\n');
    });
  });

  it('starts a process, shows its output, and kills it', async () => {
    const seen = Promise.withResolvers<void>();
    const child = await guest.spawn('exec node -e "console.log(process.pid); setInterval(() => {}, 1000)"', {
      onOutput: () => seen.resolve(),
    });
    await seen.promise;
    expect(Number(child.output())).toBe(child.pid);
    child.kill('KILL');
    expect(await child.exited).toBe(137);
  });

  it('reaps what a command left behind', async () => {
    await guest.exec('setsid sleep 0.2 & disown');
    await eventually(async () => {
      expect((await guest.exec('ps -e -o comm= | grep -c ^sleep')).output).toBe('0\n');
    });
  });

  it('shares a folder both ways under one path', async () => {
    await writeFile(join(guest.sharedDir, 'from-host'), 'hello');
    const { output } = await guest.exec(
      `cat ${guest.sharedDir}/from-host; echo -n back > ${guest.sharedDir}/from-guest`,
    );
    expect(output).toBe('hello');
    expect(await readFile(join(guest.sharedDir, 'from-guest'), 'utf8')).toBe('back');
  });

  it('cannot write to the host outside the shared folder', async () => {
    const path = join(tmpdir(), `guest-wrote-${process.pid}`);
    expect((await guest.exec(`echo x > ${path} && cat ${path}`)).output).toBe('x\n');
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('reaches the loopback of the host, forwarded and by the address of the gateway', async () => {
    const ask = (host: string) =>
      `node -e "fetch('http://${host}:${port}').then(r => r.text()).then(t => console.log(t))"`;
    expect((await guest.exec(ask('127.0.0.1'))).output).toBe('host here\n');
    expect((await guest.exec(ask('10.0.2.2'))).output).toBe('host here\n');
  });

  it('loads modules of its kernel', async () => {
    expect((await guest.exec('ip link add br7 type bridge && ip link del br7')).exitCode).toBe(0);
  });
});

describe('the end of a guest', () => {
  it('settles what is pending when the guest dies of a panic, with the console', async () => {
    const guest = await bootGuest();
    const child = await guest.spawn('sleep 100');
    const exec = guest.exec('echo c > /proc/sysrq-trigger; sleep 100');
    await expect(exec).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('Kernel panic'),
    });
    await expect(child.exited).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(guest.exec('true')).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await guest.shutdown();
    expect(qemusOf(process.pid)).toEqual([]);
  });

  it('tries a boot that hangs once more, then gives up and leaves nothing', async () => {
    const notes: string[] = [];
    const boot = bootGuest({ bootTimeoutMs: 300, onNote: text => notes.push(text) });
    await expect(boot).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('twice'),
    });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('trying once more');
    expect(qemusOf(process.pid)).toEqual([]);
    expect(readdirSync(tmpdir()).filter(name => name.startsWith(`sluice-guest-${process.pid}-`))).toEqual([]);
  });

  it('comes with the end of its owner, even by -9, and the next owner removes its folder', async () => {
    const owner = spawn(process.execPath, [main, '--', 'echo ready; sleep 300'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(owner.stdout, 'data');
    expect(qemusOf(owner.pid)).toHaveLength(1);
    const ended = once(owner, 'exit');
    owner.kill('SIGKILL');
    await ended;
    await eventually(async () => expect(qemusOf(owner.pid)).toEqual([]));
    const folders = () => readdirSync(tmpdir()).filter(name => name.startsWith(`sluice-guest-${owner.pid}-`));
    expect(folders()).toHaveLength(1);
    await sweep(tmpdir());
    expect(folders()).toEqual([]);
  });
});

describe('one command in a fresh guest', () => {
  it('passes its exit code and output through', async () => {
    expect(await runInGuest({ command: 'echo hi; exit 7', timeoutMs: 30_000 })).toMatchObject({
      exitCode: 7,
      output: 'hi\n',
    });
  });

  it('rejects distinctly when it runs too long', async () => {
    await expect(runInGuest({ command: 'sleep 60', timeoutMs: 500 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(qemusOf(process.pid)).toEqual([]);
  });

  it.each([
    ['echo out', 60, 0, 'out\n'],
    ['exit 7', 60, 7, ''],
    ['sleep 60', 1, 124, ''],
  ])('from the shell, %s within %i s exits with %i', async (command, seconds, code, output) => {
    const child = spawn(process.execPath, [main, '--timeout', `${seconds}`, '--', command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.on('data', chunk => {
      text += chunk;
    });
    expect((await once(child, 'close'))[0]).toBe(code);
    expect(text).toBe(output);
  });

  it('needs a kernel that is there', async () => {
    expect((await needKernel('6.12')).release).toMatch(/^6\.12\./);
  });
});

/** Tries until it holds; the machine may be slow. */
async function eventually(holds: () => Promise<void>): Promise<void> {
  const end = performance.now() + 30_000;
  for (;;) {
    try {
      return await holds();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** Command lines of the QEMUs whose run folder belongs to a process. */
function qemusOf(owner: number | undefined): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter(line => line.startsWith('qemu-system') && line.includes(`sluice-guest-${owner}-`));
}
