import { crc32c } from '@node-rs/crc32';
import { readFetchResponse } from './fetch-response.ts';
import type { Broker, Connection } from './kafkajs-internals.ts';
import type { KafkajsLink } from './kafkajs-link.ts';

/** What goes wrong with a Produce request. */
export type Fault =
  | 'none'
  /** Written, but the connection breaks before the answer. */
  | 'answer lost'
  /** The connection breaks before the broker has read it. */
  | 'request lost'
  /** The connection breaks, and what was on it is read a while later. */
  | 'request late'
  /** Nothing is heard of it. */
  | 'silence'
  /** The first partition of it moves to the other node. */
  | 'leader moves'
  | 'too few replicas'
  /** Written by the leader, but not by all replicas in time. */
  | 'replicas late'
  /** Refused for good. */
  | 'too large'
  /** The broker claims to expect another number. */
  | 'out of order';

interface Batch {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly values: readonly string[];
}

interface Writer {
  epoch: number;
  /** The last five. */
  readonly batches: { first: number; last: number; offset: number }[];
}

const code = { none: 0, tooFew: 19, late: 7, notLeader: 6, tooLarge: 10, outOfOrder: 45, fenced: 47 };
export const lateMs = 5;

/** One partition as a broker keeps it: its log and what it remembers of producers, by Kafka's rules. */
class Partition {
  readonly log: string[] = [];
  leader = 1;
  readonly #writers = new Map<bigint, Writer>();

  append({ producerId, epoch, first, last, values }: Batch): { errorCode: number; offset: number } {
    const writer = this.#writers.get(producerId);
    if (writer) {
      if (epoch < writer.epoch) return refused(code.fenced);
      const known = writer.batches.find(each => each.first === first && each.last === last);
      if (known && epoch === writer.epoch) return { errorCode: code.none, offset: known.offset };
      const expected = epoch > writer.epoch ? 0 : following(writer.batches.at(-1)!.last);
      if (first !== expected) return refused(code.outOfOrder);
    }
    const offset = this.log.length;
    this.log.push(...values);
    const kept = writer?.epoch === epoch ? writer.batches.slice(-4) : [];
    this.#writers.set(producerId, { epoch, batches: [...kept, { first, last, offset }] });
    return { errorCode: code.none, offset };
  }
}

const refused = (errorCode: number) => ({ errorCode, offset: -1 });
const following = (sequence: number) => (sequence === 0x7fff_ffff ? 0 : sequence + 1);

/**
 * Two nodes that take Produce requests as brokers do, and fail as they are told: a fault for each request that arrives.
 *
 * Owns: Kafka's rules of producers, epochs and numbers. For tests of what sends to them.
 */
export class SimulatedBroker {
  readonly partitions: readonly Partition[];
  readonly #faults: Fault[];
  readonly #connections = new Map<number, SimulatedConnection>();
  #producers = 0n;
  /** Requests that arrived. */
  requests = 0;

  constructor(partitions: number, faults: readonly Fault[]) {
    this.partitions = Array.from({ length: partitions }, () => new Partition());
    this.#faults = [...faults];
  }

  /** What a producer needs of a link. */
  get link(): KafkajsLink {
    const link = {
      leaders: async () => this.partitions.map(({ leader }) => leader),
      topicConfig: async () => new Map(),
      forget() {},
      broker: async (nodeId: number) => this.#node(nodeId),
      controller: async (_: string, act: (broker: Broker) => Promise<unknown>) => act(this.#node(1)),
      close: async () => {},
    };
    return link as unknown as KafkajsLink;
  }

  nextFault(): Fault {
    this.requests += 1;
    return this.#faults.shift() ?? 'none';
  }

  #node(nodeId: number): Broker {
    const node = {
      lookupRequest: () => () => ({ request: { apiVersion: 7 } }),
      initProducerId: async () => ({ producerId: `${this.#producers++}`, producerEpoch: 0 }),
      connectionPool: { getConnection: async () => this.#connection(nodeId) },
    };
    return node as unknown as Broker;
  }

  #connection(nodeId: number): Connection {
    const known = this.#connections.get(nodeId);
    if (known?.isConnected()) return known as unknown as Connection;
    const made = new SimulatedConnection(this, nodeId);
    this.#connections.set(nodeId, made);
    return made as unknown as Connection;
  }

  /** The bytes of the answer. */
  process(request: Buffer, nodeId: number, fault: Fault): Buffer {
    let [at, errorsLeft] = [12 + request.readInt16BE(12) + 2, 1];
    at += 2 + Math.max(0, request.readInt16BE(at)) + 2 + 4;
    const answers: { topic: string; partition: number; errorCode: number; offset: number }[] = [];
    for (let topics = request.readInt32BE(at); topics > 0; topics -= 1) {
      at += 4;
      const topic = request.toString('utf8', at + 2, at + 2 + request.readInt16BE(at));
      at += 2 + request.readInt16BE(at);
      const count = request.readInt32BE(at);
      at += 4;
      for (let left = count; left > 0; left -= 1) {
        const partition = request.readInt32BE(at);
        const sizeBytes = request.readInt32BE(at + 4);
        const batch = readBatch(request.subarray(at + 8, at + 8 + sizeBytes));
        at += 8 + sizeBytes;
        const told = errorsLeft-- > 0 ? fault : 'none';
        answers.push({ topic, partition, ...this.#append(partition, batch, nodeId, told) });
      }
      at -= 4;
    }
    return writeAnswer(answers);
  }

  #append(number: number, batch: Batch, nodeId: number, fault: Fault) {
    const partition = this.partitions[number]!;
    if (partition.leader !== nodeId) return refused(code.notLeader);
    if (fault === 'too few replicas') return refused(code.tooFew);
    if (fault === 'too large') return refused(code.tooLarge);
    if (fault === 'out of order') return refused(code.outOfOrder);
    if (fault === 'leader moves') {
      partition.leader = 3 - nodeId;
      return refused(code.notLeader);
    }
    const answer = partition.append(batch);
    return fault === 'replicas late' && answer.errorCode === 0 ? refused(code.late) : answer;
  }
}

interface Pushed {
  readonly entry: {
    correlationId: number;
    resolve(answer: { payload: Buffer }): void;
    reject(error: Error): void;
  };
  sendRequest(): void;
}

/** Reads one request after another, as a broker does, and answers a moment later. */
class SimulatedConnection {
  readonly clientId = 'simulated';
  readonly sasl = null;
  readonly #broker: SimulatedBroker;
  readonly #nodeId: number;
  readonly #waiting: { bytes: Buffer; entry: Pushed['entry'] }[] = [];
  #written: Buffer[] = [];
  #state: 'up' | 'silent' | 'down' = 'up';
  #correlationId = 0;

  constructor(broker: SimulatedBroker, nodeId: number) {
    this.#broker = broker;
    this.#nodeId = nodeId;
  }

  readonly socket = {
    cork() {},
    setNoDelay() {},
    uncork() {},
    write: (piece: Buffer) => this.#written.push(Buffer.from(piece)),
    destroy: () => this.#break(),
  };

  readonly requestQueue = {
    maybeThrottle() {},
    push: ({ entry, sendRequest }: Pushed) => {
      sendRequest();
      const bytes = Buffer.concat(this.#written);
      this.#written = [];
      if (bytes.readInt32BE(0) !== bytes.length - 4) throw new Error('the length of the request is wrong');
      this.#waiting.push({ bytes, entry });
      if (this.#waiting.length === 1) setTimeout(() => this.#read());
    },
  };

  isConnected(): boolean {
    return this.#state !== 'down';
  }

  nextCorrelationId(): number {
    return this.#correlationId++;
  }

  #read(): void {
    const [next] = this.#waiting;
    if (this.#state !== 'up' || !next) return;
    const fault = this.#broker.nextFault();
    const process = () => this.#broker.process(next.bytes, this.#nodeId, fault);
    if (fault === 'silence') {
      this.#state = 'silent';
      return;
    }
    if (fault === 'answer lost') process();
    if (fault === 'request late') this.#readLater(this.#waiting.map(({ bytes }) => bytes));
    if (fault === 'answer lost' || fault === 'request lost' || fault === 'request late') {
      this.#break();
      return;
    }
    const payload = process();
    this.#waiting.shift();
    next.entry.resolve({ payload });
    if (this.#waiting.length > 0) setTimeout(() => this.#read());
  }

  #readLater(requests: readonly Buffer[]): void {
    setTimeout(() => {
      for (const bytes of requests) this.#broker.process(bytes, this.#nodeId, 'none');
    }, lateMs);
  }

  #break(): void {
    this.#state = 'down';
    for (const { entry } of this.#waiting.splice(0)) {
      entry.reject(Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' }));
    }
  }
}

function readBatch(bytes: Buffer): Batch {
  if (bytes.readUInt32BE(17) !== crc32c(bytes.subarray(21))) throw new Error('the checksum is wrong');
  const head = Buffer.alloc(63);
  head.writeInt32BE(1, 10);
  head.writeInt16BE(1, 14);
  head.write('t', 16);
  head.writeInt32BE(1, 17);
  head.writeInt32BE(bytes.length, 59);
  const { records } = readFetchResponse(Buffer.concat([head, bytes]), () => 0)[0]!;
  const first = bytes.readInt32BE(53);
  const last = first + records.length - 1;
  return {
    producerId: bytes.readBigInt64BE(43),
    epoch: bytes.readInt16BE(51),
    first,
    last: last > 0x7fff_ffff ? last - 0x8000_0000 : last,
    values: records.map(({ value }) => value!.toString()),
  };
}

function writeAnswer(
  answers: readonly { topic: string; partition: number; errorCode: number; offset: number }[],
): Buffer {
  const parts = [int32(answers.length)];
  for (const { topic, partition, errorCode, offset } of answers) {
    const tail = Buffer.alloc(30);
    tail.writeInt32BE(partition, 0);
    tail.writeInt16BE(errorCode, 4);
    tail.writeBigInt64BE(BigInt(offset), 6);
    const length = Buffer.alloc(2);
    length.writeInt16BE(Buffer.byteLength(topic));
    parts.push(length, Buffer.from(topic), int32(1), tail);
  }
  return Buffer.concat([...parts, int32(0)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
