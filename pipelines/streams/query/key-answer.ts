/** What a store has under one key. */

import { partitionOf } from '#kafka';
import type { ReadOnlyStore } from '../store/key-value.ts';
import type { ReadOnlyTimeline } from '../store/timeline.ts';
import type { Part } from './gather.ts';
import { Refusal } from './refusal.ts';
import { type Asked, type Place, type StoreQuery, storeQuery } from './store-query.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `GET /stores/:name/keys/:key`: the value. Errors: 404 where there is none. */
export async function answerKey(asked: Asked, text: string): Promise<Fields> {
  const query = storeQuery(asked, 'key-value');
  return atKey({ asked, query, text }, (part, key) => {
    const store = part.store as ReadOnlyStore<unknown, unknown>;
    const value = store.get(key);
    return value === undefined ? null : { value, timestampMs: store.timestampOf(key) };
  });
}

/** `GET /stores/:name/windows/:key`: the entries from a time to a time, both included, oldest first. Errors: 404 where there is none. */
export async function answerTimes(asked: Asked, text: string): Promise<Fields> {
  const query = storeQuery(asked, 'timeline');
  const { fromMs, toMs, limit } = timesOf(asked);
  return atKey({ asked, query, text }, (part, key) => {
    const store = part.store as ReadOnlyTimeline<unknown, unknown>;
    const entries: Fields[] = [];
    for (const { timeMs, value, timestampMs } of store.between(key, fromMs, toMs)) {
      if (entries.length === limit) return { entries, nextMs: timeMs };
      entries.push({ timeMs, value, timestampMs });
    }
    return entries.length === 0 ? null : { entries, nextMs: null };
  });
}

export const defaultLimit = 100;
export const largestLimit = 10_000;

export function timesOf({ parameters }: Asked) {
  return {
    fromMs: parameters.whole('from', { absent: 0 }),
    toMs: parameters.whole('to', { absent: Number.MAX_SAFE_INTEGER }),
    limit: parameters.whole('limit', { absent: defaultLimit, min: 1, max: largestLimit }),
  };
}

interface AtKey {
  readonly asked: Asked;
  readonly query: StoreQuery;
  readonly text: string;
}

async function atKey(
  { asked, query, text }: AtKey,
  look: (part: Part, key: unknown) => Fields | null,
): Promise<Fields> {
  const { store, partitionCount } = query;
  const { key, bytes } = query.keyOf('key', text);
  const lookIn = async (partitions: readonly number[]) => {
    const answers = await query.gather<Fields | null>(partitions, {
      here(parts) {
        for (const part of parts) {
          const found = look(part, key);
          if (found)
            return { store: store.name, key, ...found, ...query.placeOf(part) } satisfies Fields & Place;
        }
        return null;
      },
      read(status, body) {
        if (status === 200) return body as Fields;
        if (status === 404) return null;
        throw new Refusal(status, String((body as { readonly error?: unknown }).error));
      },
    });
    return answers.find(answer => answer !== null) ?? null;
  };
  const likely = partitionOf(bytes, partitionCount);
  const others = Array.from({ length: partitionCount }, (_, at) => at).filter(at => at !== likely);
  const isChosen = asked.parameters.text('partitions') !== undefined;
  const found = (await lookIn([likely])) ?? (store.isPlaced || isChosen ? null : await lookIn(others));
  if (found) return found;
  throw new Refusal(404, `${store.name} has nothing under this key`, {
    fields: { store: store.name, key, partition: likely },
  });
}
