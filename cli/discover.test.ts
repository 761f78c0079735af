import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePolicyText } from '#policy';
import { type CapturedTopic, wrapCaptured, writeCapture } from '#schemas';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';
import { discoverInputs } from './discover-inputs.ts';

let folder: string;
let capture: string;

/** Events first: a file is read for its entities before anything else. */
function record(path: string) {
  const file = writeCapture(path);
  let offset = 0;
  const append = (topic: CapturedTopic, key: string, value: unknown) =>
    file.append({
      ...{ topic, partition: 0, offset: offset++, timestamp: 1, key },
      value: wrapCaptured(topic, value as never),
    });
  for (const event of ordinaryEvents()) append(topicOf(event), keyOf.event(event), event);
  const make = eventMaker('boot-2');
  const unknown = make.open(
    { pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true },
    '/x',
  );
  append('events.file.v1', keyOf.event(unknown), unknown);
  const denied = make.open({ pod: pods.web0, verdict: 'DENY' }, '/etc/shadow');
  append('events.file.v1', keyOf.event(denied), denied);
  for (const entity of entities()) append('entities.v1', keyOf.entity(entity), entity);
  file.close();
}

const sluice = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { encoding: 'utf8' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-discover-'));
  capture = join(folder, 'sample.avro');
  record(capture);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('sluice discover', () => {
  it('prints the policies of a capture and nothing else, and says on standard error what it did', async () => {
    const { status, stdout, stderr } = sluice('discover', '--from', capture);
    expect(status).toBe(0);
    await expect(stdout).toMatchFileSnapshot('golden/discover.yaml');
    expect(parsePolicyText(stdout, 'stdout').length).toBe(8);
    expect(stderr).toContain('20 events and 6 entities');
    expect(stderr).toContain('18 events learned, not learned: 1 verdict');
    expect(stderr).toContain('1 dead letters: IDENTITY_UNKNOWN container-unknown');
  });

  it('says of policies what its options and configuration file tell it, and refuses keys it does not know', () => {
    const config = join(folder, 'options.yaml');
    writeFileSync(config, 'widen: true\n');
    expect(sluice('discover', '--from', capture, '--config', config).stdout).toContain('dir: /proc/');
    writeFileSync(config, 'wide: true\n');
    const refused = sluice('discover', '--from', capture, '--config', config);
    expect({ ...refused, stderr: '' }).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('wide in ');
  });

  it('learns nodes from what belongs to no container, unless it is told not to', async () => {
    const logs = join(folder, 'host.json');
    const told = { Type: 'HostLog', ClusterName: 'east', HostName: 'n1', Timestamp: 1, Result: 'Passed' };
    const made = { ProcessName: '/usr/bin/id', Resource: '/usr/bin/id', Data: 'syscall=SYS_EXECVE' };
    writeFileSync(logs, JSON.stringify({ ...told, Operation: 'Process', ...made }));
    const found = await discoverInputs({ from: [logs], emit: ['kubearmor'] });
    const documents = found.policies[0]!.documents.map(({ content }) => JSON.parse(content));
    expect(documents).toMatchObject([
      {
        kind: 'KubeArmorHostPolicy',
        spec: {
          nodeSelector: { matchLabels: { 'kubernetes.io/hostname': 'n1' } },
          process: { matchPaths: [{ path: '/usr/bin/id' }] },
        },
      },
      { kind: 'KubeArmorHostPolicy', spec: { action: 'Block' } },
    ]);
    const without = sluice('discover', '--from', logs, '--no-hosts');
    expect(without).toMatchObject({ status: 1, stdout: '' });
    expect(without.stderr).toContain('not learned: 1 host');
  });

  it('accounts for every event', async () => {
    const { events, learned, ignored, deadLetters } = await discoverInputs({
      from: [capture],
      emit: ['kubernetes'],
    });
    const ignoredCount = Object.values(ignored).reduce((sum, count) => sum + count, 0);
    expect(learned + ignoredCount + deadLetters.length).toBe(events);
  });

  it('writes one file a document, of the kinds asked for', () => {
    const out = join(folder, 'out');
    const { status, stdout } = sluice(
      'discover',
      '--from',
      capture,
      '--emit',
      'kubernetes',
      '--out',
      out,
      '-o',
      'json',
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const files = readdirSync(out).sort();
    expect(files).toHaveLength(2);
    for (const file of files) {
      expect(file).toMatch(/^NetworkPolicy-sluice-(db|web)-[0-9a-f]{8}\.json$/);
      expect(JSON.parse(readFileSync(join(out, file), 'utf8')).kind).toBe('NetworkPolicy');
    }
  });

  it.each([
    ['that is not there', () => join(folder, 'missing.avro'), 'missing.avro'],
    [
      'that is none',
      () => {
        const path = join(folder, 'none.avro');
        writeFileSync(path, 'hello');
        return path;
      },
      'is in no format that is known',
    ],
  ])('refuses a file %s, naming it and the mend', async (_, make, message) => {
    const path = make();
    const refusal = await discoverInputs({ from: [path], emit: ['kubearmor'] }).catch(error => error);
    expect(['INPUT_INVALID', 'CONFIG_INVALID']).toContain(refusal.code);
    expect(refusal.message).toContain(message);
    expect(refusal.message).toContain(path);
  });

  it('uses what comes before the place where a file was cut off, and says where that is', async () => {
    const path = join(folder, 'cut.avro');
    record(path);
    truncateSync(path, readFileSync(path).length - 40);
    const { status, stdout, stderr } = sluice('discover', '--from', path);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`${path}:1 (byte `);
    expect(stderr).toContain('block 1 is cut off: the file ends inside it');
    expect(stderr).toContain('nothing could be learned');
  });

  it('ends with 2, without output, for a file that is not there and a kind of document nobody knows', () => {
    expect(sluice('discover', '--from', capture, '--emit', 'kubearmour').status).toBe(2);
    expect(sluice('discover', '--from', join(folder, 'missing.avro'))).toMatchObject({
      status: 2,
      stdout: '',
    });
  });
});
