import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CgroupWatch } from './cgroup-watch.ts';

const uid = '1f0d7c3e_55aa_4b1c_9e0f_0123456789ab';
const pod = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid}.slice`;
const id = (digit: string) => digit.repeat(64);
const scope = (digit: string) => `cri-containerd-${id(digit)}.scope`;

// A plain directory tree stands in for cgroupfs: the watch reads names and inodes only.
let root: string;
let watching: CgroupWatch | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-cgroups-'));
});

afterEach(() => {
  watching?.stop();
  watching = undefined;
  rmSync(root, { recursive: true, force: true });
});

function start({ rescanMs = 60_000, standalone = false } = {}): string[] {
  const told: string[] = [];
  watching = new CgroupWatch({
    root,
    standalone,
    rescanMs,
    onAdded: ({ containerId, podUid }) => told.push(`+${containerId[0]} ${podUid}`),
    onRemoved: ({ containerId }) => told.push(`-${containerId[0]}`),
  });
  watching.start();
  return told;
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) await new Promise(resolve => setTimeout(resolve, 10));
}

const uidWithDashes = uid.replaceAll('_', '-');

describe('the cgroup watch', () => {
  it('reports what is there before start returns, with the inode as id', () => {
    mkdirSync(join(root, pod, scope('a'), 'inner'), { recursive: true });
    const told = start();
    expect(told).toEqual([`+a ${uidWithDashes}`]);
    const [found] = watching!.found;
    expect(found!.cgroupId).toBe(statSync(join(root, pod, scope('a'))).ino);
    expect(found!.path).toBe(`/${pod}/${scope('a')}`);
  });

  it('tells of a container whose whole chain of slices is made while it runs', async () => {
    const told = start();
    mkdirSync(join(root, pod, scope('b')), { recursive: true });
    await until(() => told.length > 0);
    expect(told).toEqual([`+b ${uidWithDashes}`]);
  });

  it('tells of a container that goes', async () => {
    mkdirSync(join(root, pod, scope('c')), { recursive: true });
    const told = start();
    rmSync(join(root, pod), { recursive: true });
    await until(() => told.length > 1);
    expect(told.slice(1)).toEqual(['-c']);
    expect(watching!.found).toEqual([]);
  });

  it('tells of one that comes again at the same path as of another', () => {
    const path = join(root, pod, scope('d'));
    mkdirSync(path, { recursive: true });
    const told = start();
    // The other directory keeps the inode number from being given again.
    mkdirSync(`${path}x`);
    rmSync(path, { recursive: true });
    mkdirSync(`${path}y`);
    mkdirSync(path);
    watching!.rescan();
    expect(told).toEqual([`+d ${uidWithDashes}`, '-d', `+d ${uidWithDashes}`]);
  });

  it('leaves containers outside of pods alone unless asked', () => {
    mkdirSync(join(root, 'system.slice', `docker-${id('e')}.scope`), { recursive: true });
    expect(start()).toEqual([]);
    watching!.stop();
    expect(start({ standalone: true })).toEqual(['+e ']);
  });

  it('finds by its rescan what no watch told', async () => {
    const told = start({ rescanMs: 20 });
    mkdirSync(join(root, pod, scope('f')), { recursive: true });
    await until(() => told.length > 0);
    expect(told).toEqual([`+f ${uidWithDashes}`]);
  });
});

describe('a wrong root', () => {
  it('is named, with the mend', () => {
    const nowhere = new CgroupWatch({
      root: '/nowhere',
      standalone: false,
      rescanMs: 1000,
      onAdded: () => {},
      onRemoved: () => {},
    });
    expect(() => nowhere.start()).toThrow(
      /cgroup root \/nowhere is not there; mount cgroup v2 or set cgroupRoot/,
    );
  });
});
