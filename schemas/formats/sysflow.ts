/**
 * SysFlow → events: Avro containers whose records are entities (containers, pods, processes, files) and what happened to them.
 *
 * Owns: the entities of one file, by which its records name them. Does not own: what a flow says (sysflow-events.ts).
 * The schema is the file's own: what an older version has not counts as absent.
 */

import { posix } from 'node:path';
import { SluiceError } from '#errors';
import { foreignAvroType } from '../avro-type.ts';
import type { Container, Process } from '../generated/types.ts';
import { withDefaults } from '../with-defaults.ts';
import { avroReader } from './avro-records.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import type { Place } from './json-objects.ts';
import type { FormatReader, InputEvent, Outcome, ReaderOptions } from './outcome.ts';
import { KnownConnections } from './sysflow-connections.ts';
import { addressOf, eventsOf, type SysFlowFile, type SysFlowHappening } from './sysflow-events.ts';

export function sysFlowReader(options: ReaderOptions): FormatReader {
  const sysFlow = new SysFlow(options);
  return avroReader(options.input, {
    open(schema) {
      try {
        return { type: foreignAvroType(schema) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new SluiceError('INPUT_INVALID', `${options.input}: its schema cannot be read: ${reason}`, {
          cause: error,
        });
      }
    },
    read: (record, place) => sysFlow.read(fieldsOf(record), place),
  });
}

interface SysFlowProcess {
  readonly executable: string;
  readonly args: string;
  /** Of the caller: before the latest execution, else the parent's. */
  readonly before: string;
  readonly pid: number;
  readonly parentPid: number;
  readonly parent: string;
  readonly uid: number;
  readonly gid: number;
  readonly containerId: string;
}

/** Containers outside of Kubernetes are told as KubeArmor tells them: in one namespace, selected by name. */
export const containerNamespace = 'container_namespace';
const nameLabel = 'kubearmor.io/container.name';

class SysFlow {
  readonly #options: ReaderOptions;
  readonly #processes = new Map<string, SysFlowProcess>();
  readonly #files = new Map<string, SysFlowFile>();
  readonly #containers = new Map<string, Container>();
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  readonly #pods = new Map<string, Fields>();
  readonly #connections = new KnownConnections();
  #node = '';

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  read({ rec }: Fields, place: Place): Outcome {
    const [branch, value] = Object.entries(fieldsOf(rec))[0] ?? ['', undefined];
    const fields = fieldsOf(value);
    const type = branch.split('.').at(-1)!;
    switch (type) {
      case 'SFHeader':
        this.#node = textOf(fields.exporter);
        return { place, skipped: 'entity' };
      case 'Container':
      case 'Pod':
      case 'Process':
      case 'File':
        this.#note(type, fields);
        return { place, skipped: 'entity' };
      default:
        return this.#happening(type, fields, place);
    }
  }

  #note(type: 'Container' | 'Pod' | 'Process' | 'File', fields: Fields): void {
    if (type === 'Pod') this.#pods.set(textOf(fields.id), fields);
    else if (type === 'Container') this.#noteContainer(fields);
    else if (type === 'Process') this.#noteProcess(fields);
    else {
      const kind = String.fromCharCode(numberOf(fields.restype) ?? 0);
      this.#files.set(hexOf(fields.oid), { kind, path: textOf(fields.path) });
    }
  }

  #noteContainer(fields: Fields): void {
    const id = textOf(fields.id);
    const image = textOf(fields.image).replace(/^\/$/, '');
    const pod = this.#pods.get(textOf(fields.podId));
    const name = textOf(fields.name).replace(/^\//, '') || id;
    this.#labels.set(id, pod ? (fieldsOf(pod.labels) as Record<string, string>) : { [nameLabel]: name });
    for (const address of listOf(pod?.internalIP)) this.#connections.own(id, addressOf(address));
    const owner = pod
      ? { namespace: textOf(pod.namespace), pod: textOf(pod.name), podUid: textOf(pod.id) }
      : { namespace: containerNamespace, workloadKind: 'Container', workload: name };
    this.#containers.set(id, withDefaults('Container', { id, name, image, ...owner }));
  }

  #noteProcess(fields: Fields): void {
    const key = oidOf(fields.oid);
    const known = this.#processes.get(key);
    const parentKey = oidOf(fields.poid);
    const parent = this.#processes.get(parentKey)?.executable ?? '';
    const executable = absolute(textOf(fields.exe), textOf(fields.cwd));
    this.#processes.set(key, {
      executable,
      args: textOf(fields.exeArgs),
      before: known && known.executable !== executable ? known.executable : (known?.before ?? parent),
      pid: numberOf(fieldsOf(fields.oid).hpid) ?? 0,
      parentPid: numberOf(fieldsOf(fields.poid).hpid) ?? 0,
      parent,
      uid: Math.max(numberOf(fields.uid) ?? 0, 0),
      gid: Math.max(numberOf(fields.gid) ?? 0, 0),
      containerId: textOf(fields.containerId),
    });
  }

  #happening(type: string, fields: Fields, place: Place): Outcome {
    const process = this.#processes.get(oidOf(fields.procOID));
    if (type !== 'K8sEvent' && !process) return { place, bad: 'names a process that the file does not tell' };
    if (process && isRuntime(process)) return { place, skipped: 'the runtime making the container' };
    const found = eventsOf(type, fields, {
      process: { path: process?.executable ?? '', args: process?.args ?? '' },
      file: oid => this.#files.get(hexOf(oid)),
      connections: this.#connections.of(process?.containerId ?? ''),
    });
    if (typeof found === 'string') return { place, skipped: found };
    const events = found.map(happening => this.#event(happening, fields, { process: process!, place }));
    return { place, events };
  }

  #event(
    { topic, verdict = 'ALLOW', ...what }: SysFlowHappening,
    fields: Fields,
    { process, place }: { readonly process: SysFlowProcess; readonly place: Place },
  ) {
    const { cluster, input } = this.#options;
    const bootId = `${input}:${place.line}`;
    const isExecution = topic === 'events.process.v1';
    const acting: Process = withDefaults('Process', {
      ...{ pid: process.pid, parentPid: process.parentPid, uid: process.uid, gid: process.gid },
      executable: isExecution ? process.before : process.executable,
      parentExecutable: isExecution ? '' : process.parent,
    });
    const container = this.#containerOf(process);
    const event = {
      origin: { cluster, node: this.#node, agent: 'feeder/sysflow', bootId, sequence: 0 },
      time: Math.floor((numberOf(fields.ts) ?? 0) / 1000),
      container,
      process: acting,
      ...what,
      verdict,
    } as unknown as InputEvent;
    return { topic, event, subject: { labels: this.#labels.get(container.id) ?? {} } };
  }

  #containerOf({ containerId }: SysFlowProcess): Container {
    return this.#containers.get(containerId) ?? withDefaults('Container', { id: containerId });
  }
}

/** A path that was given from the working directory; a bare name was looked up along a search path that is not told. */
function absolute(executable: string, workingDirectory: string): string {
  const isRelative = executable.includes('/') && !executable.startsWith('/');
  return isRelative && workingDirectory.startsWith('/')
    ? posix.join(workingDirectory, executable)
    : executable;
}

/** Until it executes the entry point, the first process of a container is the runtime's, and acts outside of it too. */
function isRuntime({ executable, args }: SysFlowProcess): boolean {
  return /(^|\/)(docker-)?(runc|crun|youki)(:\[\d:[A-Z]+\])?$/.test(executable) && /^init\b/.test(args);
}

function oidOf(oid: unknown): string {
  const { createTS, hpid } = fieldsOf(oid);
  return `${String(createTS)}/${String(hpid)}`;
}

function hexOf(oid: unknown): string {
  return Buffer.isBuffer(oid) ? oid.toString('hex') : '';
}
