/** Starting QEMU. Invariant: it dies with the process that started it, however that one ends. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from './kernel.ts';
import type { RunFolder } from './run-folder.ts';

export interface Machine {
  readonly kernel: Kernel;
  readonly initrd: string;
  readonly memoryMb: number;
  readonly cpus: number;
}

export function startQemu(machine: Machine, folder: RunFolder): ChildProcess {
  const log = openSync(join(folder.path, 'qemu.log'), 'a');
  // The kernel sends the signal when the parent dies: nothing of ours has to live for it.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...words(machine, folder)],
    {
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  return child;
}

function words({ kernel, initrd, memoryMb, cpus }: Machine, folder: RunFolder): string[] {
  return [
    // One thread for all CPUs: with one each, code that the kernel patches while another CPU runs it panics now and then.
    ...['-accel', 'tcg,thread=single', '-cpu', 'max', '-smp', `${cpus}`, '-m', `${memoryMb}`],
    ...['-nodefaults', '-nographic', '-no-reboot', '-monitor', 'none', '-serial', `file:${folder.console}`],
    ...['-kernel', kernel.image, '-initrd', initrd, '-append', commandLine(folder)],
    // Several file systems of the host lie below one tag: remap keeps their inode numbers apart.
    ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
    ...['-virtfs', `local,path=${folder.path},mount_tag=run,security_model=none`],
    ...['-chardev', `socket,id=line,path=${folder.socket}`, '-device', 'virtio-serial-pci'],
    ...['-device', 'virtserialport,chardev=line,name=sluice', '-device', 'virtio-rng-pci'],
    ...['-nic', 'user,model=virtio-net-pci'],
  ];
}

/** BPF last in the list of LSMs, as Debian has it; `panic=-1` with `-no-reboot` ends QEMU on a panic. */
function commandLine(folder: RunFolder): string {
  return [
    'console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0',
    'lsm=landlock,lockdown,yama,bpf systemd.unified_cgroup_hierarchy=1',
    `sluice.run=${folder.path}`,
  ].join(' ');
}
