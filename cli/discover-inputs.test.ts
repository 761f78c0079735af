import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discoverInputs } from './discover-inputs.ts';

let folder: string;
const path = (name: string) => join(folder, name);

const sluice = (args: readonly string[], input = '') =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'discover', ...args], {
    ...{ encoding: 'utf8', input, cwd: folder },
  });

const end = (app: string, namespace = 'shop') => ({
  namespace,
  pod_name: `${app}-6d4b75cb6d-x7z2p`,
  labels: [
    `k8s:app=${app}`,
    'k8s:pod-template-hash=6d4b75cb6d',
    `k8s:io.kubernetes.pod.namespace=${namespace}`,
  ],
});

function flow(source: object, destination: object, port: number, more: object = {}) {
  return {
    ...{ time: '2026-01-01T00:00:00Z', verdict: 'FORWARDED', is_reply: false, source, destination },
    IP: { source: '10.1.0.1', destination: '10.1.0.2', ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: port } },
    ...more,
  };
}

const hubbleLines = [
  { flow: flow(end('web'), end('db', 'data'), 5432) },
  {
    flow: flow(end('web'), end('db', 'data'), 22, { verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED' }),
  },
  {
    flow: flow(end('web'), { labels: ['reserved:world'] }, 443, {
      IP: { source: '10.1.0.1', destination: '192.0.2.9' },
    }),
  },
  { node_status: { state_change: 'NODE_CONNECTED' } },
].map(line => JSON.stringify(line));
const hubble = `${hubbleLines.toSpliced(2, 0, 'not JSON').join('\n')}\n`;

const log = (given: object) => ({
  ...{ ClusterName: 'east', HostName: 'n1', NamespaceName: 'shop', PodName: 'web-6d4b75cb6d-x7z2p' },
  ...{
    ContainerName: 'nginx',
    UpdatedTime: '2026-01-01T00:00:00Z',
    ProcessName: '/usr/sbin/nginx',
    Result: 'Passed',
  },
  ...given,
});
const kubeArmor = [
  log({ Operation: 'Process', Resource: '/usr/sbin/nginx -g x', ParentProcessName: '/bin/sh' }),
  log({ Operation: 'File', Resource: '/etc/nginx/nginx.conf', Data: 'syscall=SYS_OPENAT flags=O_RDONLY' }),
  log({
    Operation: 'File',
    Resource: '/etc/shadow',
    Data: 'lsm=FILE_OPEN',
    Result: 'Permission denied',
    Action: 'Block',
    PolicyName: 'p',
  }),
  log({
    Operation: 'Network',
    Resource: 'remoteip=10.1.0.2 port=5432 protocol=TCP',
    Data: 'kprobe=tcp_connect domain=AF_INET',
  }),
];
const objects = `
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: nginx}]}
---
kind: Pod
metadata: {name: db-0, namespace: data, uid: u1, labels: {app: db}, ownerReferences: [{kind: StatefulSet, name: db}]}
spec: {containers: [{name: redis}]}
status: {podIP: 10.1.0.2, startTime: 2025-12-31T00:00:00Z}
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-inputs-'));
  writeFileSync(path('flows.json'), hubble);
  writeFileSync(path('flows.json.gz'), gzipSync(hubble));
  writeFileSync(path('logs.json'), JSON.stringify(kubeArmor, null, 2));
  writeFileSync(path('objects.yaml'), objects);
  mkdirSync(path('many/deeper'), { recursive: true });
  hubbleLines.forEach((line, index) => {
    writeFileSync(path(`many/${index < 2 ? '' : 'deeper/'}${index}.json`), line);
  });
  writeFileSync(path('many/README'), 'what these are');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const accounts = async (...from: string[]) => (await discoverInputs({ from, emit: ['kubernetes'] })).inputs;
const policiesOf = async (options: Partial<Parameters<typeof discoverInputs>[0]>) =>
  (await discoverInputs({ from: [path('flows.json')], emit: ['kubernetes', 'kubearmor'], ...options }))
    .policies;

describe('sluice discover of what other systems recorded', () => {
  it('prints policies from Hubble flows, and what became of every line', async () => {
    const { status, stdout, stderr } = sluice(['--from', 'flows.json', '--emit', 'kubernetes']);
    expect(status).toBe(0);
    await expect(stdout).toMatchFileSnapshot('golden/discover-hubble.yaml');
    expect(stderr).toContain('flows.json (hubble): 5 records, 3 used, 1 skipped: no flow, 1 bad');
    expect(stderr).toContain(`flows.json:3 (byte ${hubble.indexOf('not JSON')}): is no JSON object`);
    expect(stderr).toContain('not learned: 2 verdict');
  });

  it('emits for Cilium what Hubble recorded, unless it is told otherwise', async () => {
    const kinds = async (from: string, emit?: 'kubernetes'[]) =>
      (await discoverInputs({ from: [path(from)], objects: [path('objects.yaml')], emit })).policies.flatMap(
        ({ documents }) => documents.map(({ kind }) => kind),
      );
    expect(new Set(await kinds('flows.json'))).toEqual(new Set(['CiliumNetworkPolicy']));
    expect(new Set(await kinds('flows.json', ['kubernetes']))).toEqual(new Set(['NetworkPolicy']));
    expect(await kinds('logs.json')).toContain('KubeArmorPolicy');
    expect(await kinds('logs.json')).not.toContain('CiliumNetworkPolicy');
  });

  it('trusts policies less, the more of the recording was lost or cannot be read', async () => {
    const flow = hubbleLines[0]!;
    const confidence = async (name: string, lines: readonly string[]) => {
      writeFileSync(path(name), [...Array<string>(20).fill(flow), ...lines].join('\n'));
      const [policy] = await policiesOf({ from: [path(name)], format: 'hubble' });
      return policy!.confidence!;
    };
    const whole = await confidence('whole.json', []);
    const lost = await confidence('lost.json', ['{"lost_events":{"num_events_lost":"40"}}', 'not JSON']);
    expect(whole).toMatchObject({ lostEvents: 0, confidence: 1 });
    expect(lost.lostEvents).toBeGreaterThan(30);
    expect(lost.confidence).toBeLessThan(0.5);
  });

  it('prints policies of the namespaces that are asked for, and learns from all', () => {
    const { stdout, stderr } = sluice([
      '--from',
      'flows.json',
      '--emit',
      'kubernetes',
      '--namespaces',
      '!data',
    ]);
    expect(stdout.match(/(?<=^ {2}namespace: ).*/gm)).toEqual(['shop']);
    expect(stderr).toContain('1 workloads');
    expect(stderr).toContain('3 events learned');
  });

  it('prints policies from KubeArmor logs, with the workloads of Kubernetes objects', async () => {
    const { status, stdout, stderr } = sluice([
      '--from',
      'logs.json',
      '--objects',
      'objects.yaml',
      '--emit',
      'kubearmor,kubernetes',
    ]);
    expect(status).toBe(0);
    await expect(stdout).toMatchFileSnapshot('golden/discover-kubearmor.yaml');
    expect(stderr).toContain('logs.json (kubearmor): 4 records, 4 used');
    expect(stderr).toContain('3 events learned, not learned: 1 verdict');
  });

  it('reads standard input and gzip as it reads a file', async () => {
    const args = ['--emit', 'kubernetes', '--from'];
    const { stdout } = sluice([...args, 'flows.json']);
    expect(stdout).not.toBe('');
    expect(sluice([...args, '-'], hubble).stdout).toBe(stdout);
    expect(sluice([...args, 'flows.json.gz']).stdout).toBe(stdout);
  });

  it('reads the files of a directory in the order of their names, and reports those that are something else', async () => {
    const found = await accounts(path('many'));
    const names = found.map(({ name, used, bad }) => `${name.slice(path('many/').length)} ${used} ${bad}`);
    expect(names).toEqual([
      '0.json 1 0',
      '1.json 1 0',
      'README 0 1',
      'deeper/2.json 1 0',
      'deeper/3.json 0 0',
    ]);
    await expect(accounts(path('many/README'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('accounts for every record and every event', async () => {
    const { inputs, events, learned, ignored, deadLetters } = await discoverInputs({
      ...{ from: [path('flows.json'), path('logs.json')], emit: ['kubernetes'] },
    });
    for (const { records, used, skipped, bad } of inputs)
      expect(used + bad + [...skipped.values()].reduce((sum, count) => sum + count, 0)).toBe(records);
    const ignoredCount = Object.values(ignored).reduce((sum, count) => sum + count, 0);
    expect(learned + ignoredCount + deadLetters.length).toBe(events);
  });

  it('has evidence that names file and line', async () => {
    const [policy] = await policiesOf({});
    const origins = policy!.rules.flatMap(({ evidence }) =>
      (evidence?.samples ?? []).map(({ origin }) => origin.bootId),
    );
    expect(origins).toContain(`${path('flows.json')}:1`);
  });

  it('uses what a damaged gzip holds before the damage, and says so', async () => {
    const noisy = Array.from({ length: 3000 }, (_, index) =>
      hubbleLines[0]!.replace('40000', String(30_000 + index)),
    );
    const packed = gzipSync(noisy.join('\n'));
    writeFileSync(path('cut.gz'), packed.subarray(0, packed.length - 100));
    const [account] = await accounts(path('cut.gz'));
    expect(account!.used).toBeGreaterThan(0);
    expect(account!.firstBad.join()).toContain('unexpected end of file');
  });

  it('ends with 1 when nothing can be learned, with 2 when it is used wrongly', () => {
    expect(sluice(['--from', '-'], '{"lost_events":{"num_events_lost":3}}\n')).toMatchObject({
      status: 1,
      stdout: '',
    });
    const empty = sluice(['--from', '-']);
    expect(empty).toMatchObject({ status: 1, stdout: '' });
    expect(empty.stderr).toContain('nothing could be learned');
    const unknown = sluice(['--from', 'objects.yaml']);
    expect(unknown).toMatchObject({ status: 2, stdout: '' });
    expect(unknown.stderr).toContain('--format');
    expect(sluice(['--from', 'flows.json', '--format', 'csv']).status).toBe(2);
    expect(sluice(['--from', 'flows.json', '--objects', 'nowhere.yaml']).status).toBe(2);
  });
});
