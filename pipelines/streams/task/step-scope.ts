/**
 * What a step that keeps state sees of its task, with a stream time of its own.
 *
 * A task may have seen later records than reach a step: others were filtered out, or an earlier step holds them back until their
 * window closes. To that step they are not late. Steps that share a store share its time.
 */

import type { LogRecord, OutgoingRecord } from '#kafka';
import type { Clock } from '../clock.ts';
import type { Origin, StreamRecord } from '../record.ts';
import type { GlobalTable } from '../store/global.ts';
import type { StoreSpec } from '../store/store.ts';
import type { GraphNode } from '../topology/node.ts';
import type { TopicRef } from '../topology/topic-ref.ts';
import type { DeadLetterCause } from './dead-letter.ts';
import type { Punctuation, PunctuationType } from './punctuators.ts';
import type { Emission, TaskScope } from './scope.ts';

/** The latest time that some steps have seen. */
export class StepTime {
  /** -1 before the first record. */
  ms = -1;
}

/** The times of a task, by store: one each, shared where a step has several stores. */
export function stepTimes(nodes: readonly GraphNode[]): ReadonlyMap<string, StepTime> {
  const groups: Set<string>[] = [];
  for (const { stores } of nodes) {
    if (stores.length === 0) continue;
    const met = groups.filter(group => stores.some(({ name }) => group.has(name)));
    for (const group of met) groups.splice(groups.indexOf(group), 1);
    groups.push(new Set([...met.flatMap(group => [...group]), ...stores.map(({ name }) => name)]));
  }
  return new Map(
    groups.flatMap(group => {
      const time = new StepTime();
      return [...group].map(name => [name, time] as const);
    }),
  );
}

export class StepScope implements TaskScope {
  readonly #task: TaskScope;
  readonly #time: StepTime;

  constructor(task: TaskScope, time: StepTime) {
    this.#task = task;
    this.#time = time;
  }

  get streamTimeMs(): number {
    return this.#time.ms;
  }

  observe(timestampMs: number): void {
    if (timestampMs > this.#time.ms) this.#time.ms = timestampMs;
  }

  get taskId(): string {
    return this.#task.taskId;
  }

  get partition(): number {
    return this.#task.partition;
  }

  get clock(): Pick<Clock, 'now'> {
    return this.#task.clock;
  }

  get taskTimeMs(): number {
    return this.#task.taskTimeMs;
  }

  get active(): boolean {
    return this.#task.active;
  }

  get received(): LogRecord | null {
    return this.#task.received;
  }

  get inputKey(): unknown {
    return this.#task.inputKey;
  }

  scopeOf(node: GraphNode): TaskScope {
    return this.#task.scopeOf(node);
  }

  store<S>(spec: StoreSpec<S>): S {
    return this.#task.store(spec);
  }

  global<W>(table: GlobalTable<W>): W {
    return this.#task.global(table);
  }

  count(name: string, by?: number): void {
    this.#task.count(name, by);
  }

  topic(ref: TopicRef): string {
    return this.#task.topic(ref);
  }

  output(record: OutgoingRecord, origin: Origin): void {
    this.#task.output(record, origin);
  }

  deadLetter(record: LogRecord, cause: DeadLetterCause): void {
    this.#task.deadLetter(record, cause);
  }

  schedule(intervalMs: number, type: PunctuationType, run: (timeMs: number) => void): Punctuation {
    return this.#task.schedule(intervalMs, type, run);
  }

  get emitting(): boolean {
    return this.#task.emitting;
  }

  set emitting(is: boolean) {
    this.#task.emitting = is;
  }

  get failing(): boolean {
    return this.#task.failing;
  }

  later(emission: Emission): void {
    this.#task.later(emission);
  }

  settled(record: StreamRecord<unknown, unknown>): void {
    this.#task.settled(record);
  }
}
