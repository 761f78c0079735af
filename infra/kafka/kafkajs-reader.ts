import type { FetchedPartition } from './fetch-response.ts';
import { earliest, fetchError, fetchFrom, type KafkajsLink, latest } from './kafkajs-link.ts';
import type { ReaderOptions } from './port.ts';

/** Large, because a reader mostly restores: the fewer round trips the better. */
const batchBytes = 4 * 1_048_576;
const maxWaitMs = 250;

/**
 * Reads one partition over a connection of its own, so that it neither waits for others nor holds them up; no group is
 * involved. While a batch is handled, the next is on its way.
 */
export async function readPartition(link: KafkajsLink, options: ReaderOptions): Promise<number> {
  const { topic, partition, signal } = options;
  const doing = `Reading ${topic}/${partition}`;
  await link.leader(options);
  const first = (await link.offsets(topic, earliest, 'committed')).get(partition)!;
  const to = options.to ?? (await link.offsets(topic, latest, 'committed')).get(partition)!;
  let position = Math.max(options.from, first);
  const ahead = (offset: number) => {
    const fetching = link.attempt(doing, () => fetchOne(link, options, offset));
    // Awaited later, or dropped when the handler failed first.
    fetching.catch(() => {});
    return fetching;
  };
  if (position >= to || signal?.aborted) return Math.min(position, Math.max(to, options.from, first));
  let next = ahead(position);
  for (;;) {
    const fetched = await unlessAborted(next, signal);
    if (!fetched) return position;
    const end = Math.min(fetched.nextOffset, to);
    const done = end >= to || signal?.aborted;
    if (!done) next = ahead(end);
    const records =
      fetched.nextOffset > to ? fetched.records.filter(record => record.offset < to) : fetched.records;
    position = end;
    if (records.length > 0)
      await options.onBatch({ topic, partition, records, highWatermark: fetched.highWatermark });
    if (done) return position;
    if (signal?.aborted) return position;
  }
}

async function fetchOne(
  link: KafkajsLink,
  { topic, partition }: ReaderOptions,
  offset: number,
): Promise<FetchedPartition> {
  const broker = await link.leader({ topic, partition });
  const positions = [{ topic, partition, offset }];
  const [fetched] = await fetchFrom(broker, {
    positions,
    maxWaitMs,
    maxBytes: batchBytes,
    maxBytesPerPartition: batchBytes,
  });
  const error = fetchError(fetched!);
  if (!error) return fetched!;
  if (error.type !== 'OFFSET_OUT_OF_RANGE') throw error;
  return outOfRange(link, { topic, partition, offset });
}

/** Records were deleted while reading, or the offset lies past the end: goes on at the earliest, or waits. */
async function outOfRange(
  link: KafkajsLink,
  { topic, partition, offset }: { topic: string; partition: number; offset: number },
): Promise<FetchedPartition> {
  const first = (await link.offsets(topic, earliest, 'committed')).get(partition)!;
  const end = (await link.offsets(topic, latest, 'uncommitted')).get(partition)!;
  await new Promise(resolve => setTimeout(resolve, offset > end ? maxWaitMs : 0));
  const nextOffset = Math.max(offset, first);
  return { topic, partition, errorCode: 0, highWatermark: end, records: [], nextOffset };
}

/** undefined when the signal aborts first. */
function unlessAborted<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return pending;
  return new Promise((resolve, reject) => {
    const aborted = () => resolve(undefined);
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
