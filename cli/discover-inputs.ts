/**
 * Policies from files, without a broker.
 *
 * Owns: the order in which inputs are read, whose events they are, the account of what became of each record.
 * Does not own: what is learned and written (discover-learning.ts), what a record means (#formats).
 *
 * Entities of captures are read first, as a pipeline that starts reads them to their end: a file gives the same policies
 * whether a container's entity stands before or behind its events. Standard input is read once, in its order.
 */

import { readFileSync } from 'node:fs';
import { SluiceError } from '#errors';
import type { FormatName, Outcome, ReadEvent } from '#formats';
import { type Input, type InputAccount, listInputs, ReadInput } from '#recordings';
import type { Policy } from '#schemas';
import type { EmitterName } from '../pipelines/discovery/index.ts';
import {
  type NotLearned,
  type ReadObjects,
  readEntityObjects,
  SubjectIdentity,
} from '../pipelines/enrich/index.ts';
import { Learning } from './discover-learning.ts';

export interface DiscoverOptions {
  /** Files, directories, `-`. */
  readonly from: readonly string[];
  /** Absent: told by the content of each. */
  readonly format?: FormatName;
  /** Files and directories of Kubernetes objects. */
  readonly objects?: readonly string[];
  /** Of events that name none. Absent: `default`. */
  readonly cluster?: string;
  readonly emit: readonly EmitterName[];
  /** Called every now and then with the number of records read. */
  readonly progress?: (records: number) => void;
}

/** events = learned + the sum of ignored + the dead letters. */
export interface Discovered {
  /** By policy id. */
  readonly policies: readonly Policy[];
  readonly inputs: readonly InputAccount[];
  readonly entities: number;
  readonly events: number;
  readonly learned: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly deadLetters: readonly NotLearned[];
}

const progressRecords = 50_000;

/** Errors: INPUT_INVALID, CONFIG_INVALID naming the input and the mend. Damage within an input is in its account. */
export async function discoverInputs(options: DiscoverOptions): Promise<Discovered> {
  const { from, format, cluster = 'default', emit } = options;
  const learning = new Learning({ emit });
  const told = new Told(learning, readObjects(options.objects ?? [], cluster));
  const inputs = listInputs(from);
  const readOptions = { cluster, ...(format && { format }) };
  const ahead = new Set<string>();
  for (const input of inputs) {
    if (input.isStream || !(await takeEntities(new ReadInput(input, readOptions), learning))) continue;
    ahead.add(input.name);
  }
  const accounts: InputAccount[] = [];
  let records = 0;
  for (const input of inputs) {
    const read = new ReadInput(input, readOptions);
    accounts.push(read.account);
    for await (const outcome of read.outcomes()) {
      records += 1;
      if (records % progressRecords === 0) options.progress?.(records);
      if ('entity' in outcome && !ahead.has(input.name)) takeEntity(learning, outcome);
      read.note(outcome, 'events' in outcome ? told.take(outcome.events) : undefined);
    }
  }
  const entities = learning.entities;
  return { inputs: accounts, entities, events: learning.events, ...learning.finish() };
}

function readObjects(paths: readonly string[], cluster: string): ReadObjects | undefined {
  if (paths.length === 0) return undefined;
  const isObjects = ({ name, isNamed }: Input) => isNamed || /\.(ya?ml|json)$/.test(name);
  const files = listInputs(paths).filter(isObjects);
  const texts = files.map(({ name }) => ({
    source: name,
    text: readFileSync(name === 'stdin' ? 0 : name, 'utf8'),
  }));
  const objects = readEntityObjects(texts, cluster);
  if (objects.changes.length === 0)
    throw new SluiceError(
      'INPUT_INVALID',
      `${paths.join(', ')}: no pods, workloads or Services among the objects`,
    );
  return objects;
}

/** True when the input is a capture, of which the entities then are taken. */
async function takeEntities(read: ReadInput, learning: Learning): Promise<boolean> {
  for await (const outcome of read.outcomes()) {
    if (read.account.format !== 'sluice') return false;
    if ('entity' in outcome) takeEntity(learning, outcome);
  }
  return read.account.format === 'sluice';
}

function takeEntity(
  learning: Learning,
  { entity, key, timestampMs }: Extract<Outcome, { entity: unknown }>,
): void {
  learning.entity({ key, value: entity, timestampMs });
}

/** Events with whose they are. */
class Told {
  readonly #learning: Learning;
  readonly #objects: ReadObjects | undefined;
  readonly #identity: SubjectIdentity;
  readonly #clusters = new Set<string>();

  constructor(learning: Learning, objects: ReadObjects | undefined) {
    this.#learning = learning;
    this.#objects = objects;
    this.#identity = new SubjectIdentity(objects);
  }

  /** Text: why they cannot be used. */
  take(events: readonly ReadEvent[]): string | undefined {
    try {
      for (const each of events) this.#take(each);
      return undefined;
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'VALUE_INVALID') return error.message;
      throw error;
    }
  }

  #take({ topic, event, subject }: ReadEvent): void {
    const { cluster } = event.origin;
    this.#meet(cluster);
    const seen = { cluster, timeUs: event.time };
    const { container, entity } = this.#identity.identify(event.container, subject.labels, seen);
    if (entity) this.#learning.entityChange(entity);
    this.#learning.event(topic, { ...event, container });
  }

  /** Objects do not name their cluster: they are of every one that events come from. */
  #meet(cluster: string): void {
    if (this.#clusters.has(cluster)) return;
    this.#clusters.add(cluster);
    for (const change of this.#objects?.changes ?? []) this.#learning.entityChange({ ...change, cluster });
  }
}
