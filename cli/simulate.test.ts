import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wrapCaptured, writeCapture } from '#schemas';
import {
  entities,
  eventMaker,
  keyOf,
  ordinaryEvents,
  pods,
  topicOf,
} from '../pipelines/enrich/sample-cluster.ts';

let folder: string;

const sluice = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    ...{ encoding: 'utf8', cwd: folder },
  });

function record(name: string, events = ordinaryEvents()) {
  const file = writeCapture(join(folder, name));
  let offset = 0;
  const place = () => ({ partition: 0, offset: offset++, timestamp: 1 });
  for (const event of events) {
    const topic = topicOf(event);
    file.append({ ...place(), topic, key: keyOf.event(event), value: wrapCaptured(topic, event as never) });
  }
  for (const entity of entities())
    file.append({
      ...{ ...place(), topic: 'entities.v1', key: keyOf.entity(entity) },
      value: wrapCaptured('entities.v1', entity),
    });
  file.close();
}

const networkPolicy = (name: string, spec: object) =>
  JSON.stringify({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'shop' } },
    spec,
  });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-simulate-'));
  record('ordinary.avro');
  const make = eventMaker('boot-2');
  record('attacked.avro', [
    ...ordinaryEvents(),
    make.exec({ pod: pods.web0 }, '/bin/sh'),
    make.open({ pod: pods.web0, verdict: 'DENY' }, '/etc/shadow'),
    make.network(
      { pod: pods.web0 },
      { operation: 'CONNECT', remoteAddress: '203.0.113.9', remotePort: 4444 },
    ),
  ]);
  sluice('discover', '--from', 'ordinary.avro', '--out', 'policies');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('sluice simulate', () => {
  it('ends with 0 and says nothing where nothing would be denied: policies admit what they were learned from', () => {
    const { status, stdout, stderr } = sluice(
      'simulate',
      '--policies',
      'policies',
      '--from',
      'ordinary.avro',
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('over 18 events: 18 judged');
    expect(stderr).toContain('0 would be denied, 0 would be audited');
  });

  it('ends with 1 and lists what would be denied by workload, with counts, rule and an example', async () => {
    const { status, stdout } = sluice('simulate', '--policies', 'policies', '--from', 'attacked.avro');
    expect(status).toBe(1);
    await expect(stdout).toMatchFileSnapshot('golden/simulate.txt');
    const json = sluice('simulate', '--policies', 'policies', '--from', 'attacked.avro', '-o', 'json');
    const { denied, stillDenied } = JSON.parse(json.stdout);
    expect(denied).toHaveLength(2);
    expect(stillDenied).toHaveLength(1);
  });

  it.each(['yaml', 'json'])('takes what discover printed as %s', form => {
    const { stdout } = sluice('discover', '--from', 'ordinary.avro', '-o', form);
    writeFileSync(join(folder, `printed.${form}`), stdout);
    expect(sluice('simulate', '--policies', `printed.${form}`, '--from', 'ordinary.avro').status).toBe(0);
  });

  it('reads events of the time asked for alone', () => {
    const at = (seconds: number) => new Date(1_767_225_600_000 + seconds * 1000).toISOString();
    const { stderr } = sluice(
      ...['simulate', '--policies', 'policies', '--from', 'ordinary.avro'],
      ...['--since', at(3), '--until', at(10)],
    );
    expect(stderr).toContain('over 7 events');
  });

  it.each([
    ['a field that is not there', networkPolicy('x', { podSelector: {}, egresss: [] }), 'spec.egresss'],
    ['a kind nobody knows', JSON.stringify({ kind: 'Deployment', metadata: { name: 'x' } }), 'Deployment'],
    [
      'a rule that events cannot be held against',
      JSON.stringify({
        ...{ apiVersion: 'security.kubearmor.com/v1', kind: 'KubeArmorPolicy' },
        metadata: { name: 'x', namespace: 'shop' },
        spec: { selector: {}, apparmor: 'profile', action: 'Block' },
      }),
      'spec.apparmor',
    ],
    ['nothing', '', 'no policy documents'],
  ])('refuses documents with %s, naming file and document', (_, text, named) => {
    const good = networkPolicy('good', { podSelector: {} });
    mkdirSync(join(folder, 'bad'), { recursive: true });
    writeFileSync(join(folder, 'bad/p.yaml'), text === '' ? '' : `${good}\n---\n${text}\n`);
    const { status, stdout, stderr } = sluice('simulate', '--policies', 'bad', '--from', 'ordinary.avro');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(text === '' ? 'bad' : 'bad/p.yaml');
    expect(stderr).toContain(named);
  });

  it('refuses one policy in two files: which of them was meant is not guessed', () => {
    mkdirSync(join(folder, 'twice'));
    for (const name of ['a', 'b'])
      writeFileSync(join(folder, `twice/${name}.yaml`), networkPolicy('same', { podSelector: {} }));
    const { status, stderr } = sluice('simulate', '--policies', 'twice', '--from', 'ordinary.avro');
    expect(status).toBe(2);
    expect(stderr).toContain('is in twice/a.yaml and in twice/b.yaml');
  });

  it('ends with 1 where nothing could be judged: that proves nothing', () => {
    record('nobody.avro', [
      eventMaker().open(
        { pod: { ...pods.web0, containers: [{ name: 'x', id: 'nobody' }] }, bare: true },
        '/x',
      ),
    ]);
    const { status, stderr } = sluice('simulate', '--policies', 'policies', '--from', 'nobody.avro');
    expect(status).toBe(1);
    expect(stderr).toContain('not judged: 1 container-unknown');
    expect(stderr).toContain('nothing could be judged');
  });

  it('ends with 2 for times, offsets and topics that are none', () => {
    const base = ['simulate', '--policies', 'policies', '--from', 'ordinary.avro'];
    expect(sluice(...base, '--since', 'yesterday').status).toBe(2);
    expect(sluice(...base, '--offsets', 'events.file.v1@3').status).toBe(2);
    const { status, stderr } = sluice('simulate', '--policies', 'policies', '--from', 'topic:events.fil.v1');
    expect(status).toBe(2);
    expect(stderr).toContain('events.file.v1');
  });
});
