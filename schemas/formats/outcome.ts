/** What a reader makes of each record of an input. */

import type { CapturedTopic } from '../captured-value.ts';
import type {
  CapabilityEvent,
  DnsEvent,
  EntityChange,
  FileEvent,
  NetworkEvent,
  ProcessEvent,
  SyscallEvent,
} from '../generated/types.ts';
import type { Place } from './json-objects.ts';

export type InputEvent = ProcessEvent | FileEvent | NetworkEvent | DnsEvent | CapabilityEvent | SyscallEvent;

/** What the record says of whose event it is, beside the container in the event itself. */
export interface Subject {
  /** As Kubernetes has them; empty when the record carries none. */
  readonly labels: Readonly<Record<string, string>>;
}

/** An event in our form, of the topic its type belongs to. */
export interface ReadEvent {
  readonly topic: CapturedTopic;
  readonly event: InputEvent;
  readonly subject: Subject;
  /** Where in a topic the record lies that holds it; absent: in none. */
  readonly at?: { readonly topic: string; readonly partition: number; readonly offset: number };
  /** How often it happened, where the record stands for more than once. */
  readonly times?: number;
}

/**
 * One record of an input and what became of it: events, entities, nothing for a reason, or damage. Every record is exactly
 * one outcome; outcomes without a record (`isDeferred`) are what a reader concludes at the end of a file.
 */
export type Outcome = { readonly place: Place } & (
  | { readonly events: readonly ReadEvent[]; readonly isDeferred?: boolean }
  /** null: a tombstone of the key. */
  | { readonly entity: EntityChange | null; readonly key: string | null; readonly timestampMs: number }
  | { readonly skipped: string; readonly lost?: number; readonly isDeferred?: boolean }
  | { readonly bad: string }
);

/** Takes the bytes of one input in order, in pieces of any size. Holds no more than it must. */
export interface FormatReader {
  push(chunk: Buffer): Iterable<Outcome>;
  /** When the input has ended. */
  end(): Iterable<Outcome>;
}

export interface ReaderOptions {
  /** Of the origin of events whose records name none. */
  readonly cluster: string;
  /** Name of the input, for the origin of events: they name `input:line`. */
  readonly input: string;
}
