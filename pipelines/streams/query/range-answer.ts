/** What a store has, over all its partitions, in one order. */

import type { ReadOnlyStore } from '../store/key-value.ts';
import type { ReadOnlyTimeline } from '../store/timeline.ts';
import type { Part } from './gather.ts';
import { defaultLimit, largestLimit, timesOf } from './key-answer.ts';
import { badParameter, Refusal } from './refusal.ts';
import { type Asked, type Place, type StoreQuery, storeQuery } from './store-query.ts';

/** Of an entry in the order of its store. */
interface Position {
  readonly timeMs?: number;
  /** base64url. */
  readonly keyBytes: string;
}

interface Entry extends Position {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly partition: number;
}

interface Range {
  readonly entries: readonly Entry[];
  /** What asks for the rest; null where this is all. */
  readonly next: string | null;
  readonly places: readonly Place[];
}

export interface RangeAnswer extends Range {
  readonly store: string;
}

/** `GET /stores/:name`: keys from (included) to (excluded), by the order of their bytes. */
export async function answerRange(asked: Asked): Promise<RangeAnswer> {
  const query = storeQuery(asked, 'key-value');
  const { parameters } = asked;
  const limit = parameters.whole('limit', { absent: defaultLimit, min: 1, max: largestLimit });
  const next = parameters.text('next');
  const from = next === undefined ? query.boundOf('from') : query.keyOf('next', next, 'base64url').key;
  const bounds = { from, to: query.boundOf('to') };
  return collect(query, limit, function* (part) {
    const store = part.store as ReadOnlyStore<unknown, unknown>;
    refuseToSort(query, store);
    for (const [key, value] of store.range(bounds))
      yield {
        ...keyFields(query, key),
        value,
        timestampMs: store.timestampOf(key),
        partition: part.partition,
      };
  });
}

/** Keys that are put in order in about a tenth of a second, in which nothing else is done. */
const mostSorted = 100_000;

/** Errors: 400 for a store whose processing a range would hold up: its keys are put in order only when order is asked for. */
function refuseToSort(
  { store: { name, isOrdered } }: StoreQuery,
  { size }: ReadOnlyStore<unknown, unknown>,
): void {
  if (isOrdered || size <= mostSorted) return;
  throw new Refusal(
    400,
    `${name} has ${size} keys in memory, and to put them in order would hold up processing: ask for single keys, or keep it on disk (engine: 'disk')`,
  );
}

/** `GET /stores/:name/windows`: entries of all keys from a time to a time, both included, by time, then by key. */
export async function answerSpan(asked: Asked): Promise<RangeAnswer> {
  const query = storeQuery(asked, 'timeline');
  const { fromMs, toMs, limit } = timesOf(asked);
  const next = asked.parameters.text('next');
  const start = next === undefined ? { timeMs: fromMs, keyBytes: '' } : positionOf(next);
  return collect(query, limit, function* ({ store, partition }) {
    const timeline = store as ReadOnlyTimeline<unknown, unknown>;
    for (const [key, { timeMs, value, timestampMs }] of timeline.all({ fromMs: start.timeMs, toMs })) {
      const entry = { ...keyFields(query, key), timeMs, value, timestampMs, partition };
      if (inOrder(start, entry) <= 0) yield entry;
    }
  });
}

async function collect(
  query: StoreQuery,
  limit: number,
  entriesOf: (part: Part) => Iterable<Entry>,
): Promise<RangeAnswer> {
  const { store, partitionCount } = query;
  const all = Array.from({ length: partitionCount }, (_, at) => at);
  const ranges = await query.gather<Range>(all, {
    here(parts) {
      // One more than asked for, to know whether there are more.
      const entries = parts.flatMap(part => first(entriesOf(part), limit + 1)).sort(inOrder);
      const places = parts.map(part => query.placeOf(part));
      return { ...page(entries, limit), places };
    },
    read(status, body) {
      if (status === 200) return body as RangeAnswer;
      throw new Refusal(status, String((body as { readonly error?: unknown }).error));
    },
  });
  const found = page(ranges.flatMap(({ entries }) => entries).sort(inOrder), limit);
  const rest = [found.next, ...ranges.map(({ next }) => next)].filter(next => next !== null);
  return {
    store: store.name,
    entries: found.entries,
    next: rest.sort((a, b) => inOrder(positionOf(a), positionOf(b)))[0] ?? null,
    places: ranges.flatMap(({ places }) => places).sort((a, b) => a.partition - b.partition),
  };
}

function page(entries: readonly Entry[], limit: number): Pick<Range, 'entries' | 'next'> {
  const after = entries[limit];
  return { entries: entries.slice(0, limit), next: after ? textOf(after) : null };
}

function keyFields({ store }: StoreQuery, key: unknown): Pick<Entry, 'key' | 'keyBytes'> {
  return { key, keyBytes: store.key!.serialize(key).toString('base64url') };
}

function first<T>(items: Iterable<T>, count: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    found.push(item);
    if (found.length === count) break;
  }
  return found;
}

const textOf = ({ timeMs, keyBytes }: Position) =>
  timeMs === undefined ? keyBytes : `${timeMs}.${keyBytes}`;

/** Errors: 400. */
function positionOf(text: string): Position & { readonly timeMs: number } {
  const [, time = '0', keyBytes] = /^(?:(\d{1,16})\.)?([\w-]*)$/.exec(text) ?? [];
  if (keyBytes === undefined) throw badParameter('next', 'give it as the answer before had it');
  return { timeMs: Number(time), keyBytes };
}

const inOrder = (a: Position, b: Position) =>
  (a.timeMs ?? 0) - (b.timeMs ?? 0) ||
  Buffer.compare(Buffer.from(a.keyBytes, 'base64url'), Buffer.from(b.keyBytes, 'base64url'));
