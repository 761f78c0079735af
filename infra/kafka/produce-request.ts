import type { Batch } from './outgoing-lane.ts';

/**
 * The bytes of Produce requests and answers, version 7 (Kafka 2.1 and newer).
 *
 * Owns: framing. The batches are not copied: a request is a list of buffers, theirs among them.
 */

export const produceKey = 0;
export const produceVersion = 7;
const allInSync = -1;

export interface ProduceRequest {
  readonly correlationId: number;
  readonly clientId: string;
  readonly transactionalId: string | null;
  /** How long the broker may wait for the replicas. */
  readonly timeoutMs: number;
  /** Of different partitions. */
  readonly batches: readonly Batch[];
}

/** What is to be written to the socket, in order. */
export function writeProduceRequest(request: ProduceRequest): Buffer[] {
  const { correlationId, clientId, transactionalId, timeoutMs, batches } = request;
  const byTopic = Map.groupBy(batches, batch => batch.lane.topic);
  const head = new Head(headBound(request));
  const pieces: Buffer[] = [];
  head.int32(0).int16(produceKey).int16(produceVersion).int32(correlationId).string(clientId);
  head.string(transactionalId).int16(allInSync).int32(timeoutMs).int32(byTopic.size);
  let batchBytes = 0;
  for (const [topic, each] of byTopic) {
    head.string(topic).int32(each.length);
    for (const { lane, bytes } of each) {
      head.int32(lane.partition).int32(bytes.length);
      pieces.push(head.cut(), bytes);
      batchBytes += bytes.length;
    }
  }
  pieces[0]!.writeInt32BE(head.sizeBytes + batchBytes - 4, 0);
  return pieces;
}

function headBound({ clientId, transactionalId, batches }: ProduceRequest): number {
  let bound = 40 + 3 * (clientId.length + (transactionalId?.length ?? 0));
  for (const { lane } of batches) bound += 14 + 3 * lane.topic.length;
  return bound;
}

/** What became of one batch. */
export interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  /** The protocol's; 0 is none. */
  readonly errorCode: number;
  readonly baseOffset: number;
}

export interface ProduceAnswer {
  readonly partitions: readonly PartitionAnswer[];
  readonly throttleMs: number;
}

export function readProduceAnswer(raw: Buffer): ProduceAnswer {
  const partitions: PartitionAnswer[] = [];
  let at = 4;
  for (let topics = raw.readInt32BE(0); topics > 0; topics -= 1) {
    const nameBytes = raw.readInt16BE(at);
    const topic = raw.toString('utf8', at + 2, at + 2 + nameBytes);
    at += 2 + nameBytes + 4;
    for (let left = raw.readInt32BE(at - 4); left > 0; left -= 1) {
      partitions.push({
        topic,
        partition: raw.readInt32BE(at),
        errorCode: raw.readInt16BE(at + 4),
        baseOffset: raw.readInt32BE(at + 6) * 0x1_0000_0000 + raw.readUInt32BE(at + 10),
      });
      // Past the time of appending and the start of the log, which nobody asks for.
      at += 30;
    }
  }
  return { partitions, throttleMs: raw.readInt32BE(at) };
}

class Head {
  readonly #bytes: Buffer;
  #at = 0;
  #cutAt = 0;

  constructor(sizeBytes: number) {
    this.#bytes = Buffer.allocUnsafe(sizeBytes);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  int16(value: number): this {
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    this.int16(Buffer.byteLength(value));
    this.#at += this.#bytes.write(value, this.#at);
    return this;
  }

  /** What was written since the last cut. */
  cut(): Buffer {
    const piece = this.#bytes.subarray(this.#cutAt, this.#at);
    this.#cutAt = this.#at;
    return piece;
  }
}
