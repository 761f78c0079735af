import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeKernel } from './fake-kernel.ts';
import { Loader, type LoaderOptions } from './loader.ts';

let loader: Loader | undefined;
let kernel: FakeKernel | undefined;

afterEach(async () => {
  await loader?.close();
  kernel?.close();
  loader = undefined;
  kernel = undefined;
});

function startOn(command: LoaderOptions['command']) {
  const seen = { ready: 0, sequences: [] as number[], ended: [] as string[], failed: [] as string[] };
  loader = new Loader({
    command,
    onReady: () => {
      seen.ready += 1;
    },
    onEvent: ({ sequence }) => seen.sequences.push(sequence),
    onEnded: (reason, backOffMs) => seen.ended.push(`${reason} ${backOffMs}`),
    onFailed: error => seen.failed.push(error.message),
    onLine: () => {},
    backOffMs: { first: 10, most: 20 },
  });
  loader.start();
  return seen;
}

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) await new Promise(resolve => setTimeout(resolve, 10));
}

const child = (program: string): [string, ...string[]] => [process.execPath, '-e', program];
const event = { scope: 1, class: 2, op: 1, path: '/x' };

describe('the loader process', () => {
  it('answers requests in order and hands over events', async () => {
    kernel = new FakeKernel();
    const seen = startOn(kernel.command);
    await until(() => seen.ready === 1);
    const [set, list] = await Promise.all([
      loader!.request({ kind: 'scope-set', cgroupId: 9, flags: 1 }),
      loader!.request({ kind: 'list' }),
    ]);
    expect(set).toEqual({ kind: 'ack', errno: 0, message: '' });
    expect(list.scopes).toMatchObject([{ cgroupId: 9, flags: 1, ruleset: 0 }]);
    kernel.happen(event);
    await until(() => seen.sequences.length === 1);
    expect(seen.sequences).toEqual([1]);
  });

  it('is started again when it dies, and tells those who wait for an answer', async () => {
    kernel = new FakeKernel();
    const seen = startOn(kernel.command);
    await until(() => seen.ready === 1);
    kernel.killLoader();
    await until(() => seen.ready === 2);
    expect(seen.ready).toBe(2);
    expect(seen.ended).toHaveLength(1);
    kernel.killLoader();
    await expect(loader!.request({ kind: 'stats' })).rejects.toThrow(/the loader ended|no loader is running/);
  });

  it('hands over nothing while paused, and everything after', async () => {
    kernel = new FakeKernel();
    const seen = startOn(kernel.command);
    await until(() => seen.ready === 1);
    loader!.pause(true);
    for (let i = 0; i < 5; i++) kernel.happen(event);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(seen.sequences).toEqual([]);
    loader!.pause(false);
    await until(() => seen.sequences.length === 5);
    expect(seen.sequences).toEqual([1, 2, 3, 4, 5]);
  });

  it('that cannot work here is not started again, and says what mends it', async () => {
    const seen = startOn(child("process.stderr.write('no BTF\\n'); process.exitCode = 4"));
    await until(() => seen.failed.length > 0);
    expect(seen.failed).toEqual(['the kernel lacks something the loader needs (exit 4: no BTF)']);
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(seen.ended).toEqual([]);
  });

  it('that is not there is told by name, and tried again', async () => {
    const seen = startOn(['/nowhere/sluice-loader']);
    await until(() => seen.ended.length > 1);
    expect(seen.ended[0]).toMatch(/\/nowhere\/sluice-loader does not start: .*ENOENT.* 10/);
    expect(seen.ended[1]).toMatch(/ 20$/);
  });

  it('that speaks no frames is replaced', async () => {
    const seen = startOn(child('process.stdout.write(Buffer.alloc(8)); setTimeout(() => {}, 60000)'));
    await until(() => seen.ended.length > 0);
    expect(seen.ended[0]).toMatch(/killed by SIGKILL: the loader sent a frame of 0 bytes/);
  });
});
