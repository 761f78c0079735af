/**
 * KubeArmor's logs and alerts → events: JSON as the relay, `karmor logs` and the discovery engine's files have it, whatever
 * the case of the keys.
 *
 * What was blocked or audited is an event with that verdict: it is not learned. A call that failed for another reason
 * (there was no such file) was not refused, and is.
 */

import type { Container, Process, Verdict } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { clusterName, type Fields, fieldsOf, numberOf, pairsOf, textOf, timeUs } from './fields.ts';
import type { Place } from './json-objects.ts';
import { type JsonFormat, jsonReader, LineSequence, type RecordOutcome } from './json-records.ts';
import { firstWord, readKubeArmorFile } from './kubearmor-file.ts';
import { readKubeArmorNetwork, readKubeArmorQuestion } from './kubearmor-network.ts';
import type { Happened, Happening, KubeArmorRecord } from './kubearmor-record.ts';
import type { FormatReader, InputEvent, ReadEvent, ReaderOptions } from './outcome.ts';

export function kubeArmorReader(options: ReaderOptions): FormatReader {
  return jsonReader(new KubeArmor(options));
}

class KubeArmor implements JsonFormat {
  readonly #options: ReaderOptions;
  readonly #sequence = new LineSequence();
  #timeUs = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.read = this.read.bind(this);
  }

  read(object: Fields, place: Place): RecordOutcome {
    const fields = lowerKeys(object);
    const operation = textOf(fields.operation).toLowerCase();
    if (operation === '') return { bad: 'has no Operation: it is no log or alert of KubeArmor' };
    const record = recordOf(fields);
    const happened = happeningsOf(operation, record);
    if (typeof happened === 'string') return { skipped: happened };
    const seconds = numberOf(fields.timestamp);
    this.#timeUs =
      timeUs(textOf(fields.updatedtime)) ?? (seconds === undefined ? this.#timeUs : seconds * 1_000_000);
    const { cluster, input } = this.#options;
    const shared = {
      time: this.#timeUs,
      container: containerOf(fields),
      process: processOf(fields, operation, record),
      verdict: verdictOf(fields),
    };
    const subject = { labels: pairsOf(textOf(fields.labels), ',') };
    const events = happened.map(({ topic, ...what }): ReadEvent => {
      const origin = {
        cluster: clusterName(fields.clustername) || cluster,
        node: textOf(fields.hostname),
        agent: 'feeder/kubearmor',
        bootId: `${input}:${place.line}`,
        sequence: this.#sequence.next(place),
      };
      return { topic, event: { origin, ...shared, ...what } as unknown as InputEvent, subject };
    });
    return { events };
  }
}

/** Few names come over and over. */
const lowerBefore = new Map<string, string>();
const mostNames = 10_000;

function lowerKeys(object: Fields): Fields {
  const low: Record<string, unknown> = {};
  for (const key of Object.keys(object)) low[lowerBefore.get(key) ?? lowered(key)] = object[key];
  return low;
}

function lowered(key: string): string {
  const low = key.toLowerCase();
  if (lowerBefore.size >= mostNames) lowerBefore.clear();
  // What would change the object itself is no name of theirs.
  lowerBefore.set(key, low === '__proto__' ? '' : low);
  return lowerBefore.get(key)!;
}

function recordOf(fields: Fields): KubeArmorRecord {
  const resource = textOf(fields.resource);
  const data = lowerKeys(pairsOf(textOf(fields.data))) as Record<string, string>;
  return {
    source: textOf(fields.source),
    processName: textOf(fields.processname),
    parentProcessName: textOf(fields.parentprocessname),
    resource,
    data,
    result: textOf(fields.result).toLowerCase(),
    syscall: (data.syscall ?? '').toLowerCase().replace(/^sys_/, ''),
  };
}

/** A question to a DNS server is a datagram and the question. Text: why it is no event. */
function happeningsOf(operation: string, record: KubeArmorRecord): readonly Happened[] | string {
  const happening = happeningOf(operation, record);
  if (typeof happening === 'string') return happening;
  const asked = operation === 'network' ? readKubeArmorQuestion(record) : undefined;
  return asked ? [happening, asked] : [happening];
}

function happeningOf(operation: string, record: KubeArmorRecord): Happening {
  const { syscall, resource } = record;
  if (syscall === 'ptrace') return syscallUse(syscall, record);
  switch (operation) {
    case 'process':
      return executionOf(record);
    case 'file':
      return readKubeArmorFile(record);
    case 'network':
      return readKubeArmorNetwork(record);
    case 'capabilities':
    case 'capability':
      return capabilityOf(resource || (record.data.cap ?? ''));
    case 'syscall':
      return syscallUse(syscall, record);
    default:
      return `operation ${operation} is in no policy`;
  }
}

const absent = 'no such file or directory';

/** What a shell tried along its path and was not there never reached the kernel's check: to admit it would admit what comes there. */
function executionOf({ resource, processName, result }: KubeArmorRecord): Happening {
  if (result === absent) return 'there was no such executable';
  const command = resource.trim();
  // The path may hold spaces; then only the process's name tells where it ends.
  const isNamed = processName.startsWith('/') && `${command} `.startsWith(`${processName} `);
  const path = isNamed ? processName : firstWord(command);
  if (!path.startsWith('/')) return 'the path of the executable is not absolute';
  const args = command.slice(path.length).split(/\s+/).filter(Boolean);
  return { topic: 'events.process.v1', execution: { path, args } };
}

function capabilityOf(text: string): Happening {
  const capability = firstWord(text).toLowerCase().replace(/^cap_/, '');
  if (!/^[a-z_]+$/.test(capability)) return 'the capability is not named';
  return { topic: 'events.capability.v1', capability: { capability } };
}

function syscallUse(syscall: string, { resource, data }: KubeArmorRecord): Happening {
  if (syscall === '') return 'the system call is not named';
  const object = resource || (data.target ?? data.process ?? '');
  return { topic: 'events.syscall.v1', syscall: { syscall, object } };
}

const denials = ['permission denied', 'operation not permitted'];

function verdictOf(fields: Fields): Verdict {
  const action = textOf(fields.action).toLowerCase();
  const result = textOf(fields.result).toLowerCase();
  if (action.startsWith('block') || denials.includes(result)) return 'DENY';
  return action.includes('audit') || action.includes('block') ? 'AUDIT' : 'ALLOW';
}

function containerOf(fields: Fields): Container {
  const owner = lowerKeys(fieldsOf(fields.owner));
  return withDefaults('Container', {
    id: textOf(fields.containerid).replace(/^[a-z]+:\/\//, ''),
    name: textOf(fields.containername),
    image: textOf(fields.containerimage),
    namespace: textOf(fields.namespacename),
    pod: textOf(fields.podname),
    workloadKind: textOf(owner.ref),
    workload: textOf(owner.name),
  });
}

/** Of an execution the caller, else the actor. */
function processOf(fields: Fields, operation: string, record: KubeArmorRecord): Process {
  const { processName, parentProcessName, source } = record;
  const isExecution = operation === 'process' && record.syscall !== 'ptrace';
  const named = isExecution ? parentProcessName : processName;
  return withDefaults('Process', {
    pid: numberOf(fields.hostpid) ?? numberOf(fields.pid) ?? 0,
    parentPid: numberOf(fields.hostppid) ?? 0,
    uid: Math.max(numberOf(fields.uid) ?? 0, 0),
    executable: named || firstWord(source),
    parentExecutable: isExecution ? '' : parentProcessName,
  });
}
