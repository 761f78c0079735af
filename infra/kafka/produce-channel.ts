import { SluiceError } from '#errors';
import { type Broker, type Connection, internals } from './kafkajs-internals.ts';
import type { Batch } from './outgoing-lane.ts';
import {
  type PartitionAnswer,
  produceKey,
  produceVersion,
  readProduceAnswer,
  writeProduceRequest,
} from './produce-request.ts';

/** Where a channel gets its batches and leaves what became of them. */
export interface ChannelDesk {
  /** What may be sent to this broker now, of each partition at most one batch, of about so many bytes. */
  take(nodeId: number, sizeBytes: number): Batch[];
  answered(batch: Batch, answer: PartitionAnswer): void;
  /** It may or may not have been written. */
  unanswered(batch: Batch, error: unknown): void;
  /** All of a request are settled. */
  released(): void;
  /** The broker cannot be reached now. */
  unreachable(nodeId: number, error: unknown): void;
}

export interface ChannelSetup {
  readonly nodeId: number;
  readonly connect: () => Promise<Broker>;
  readonly desk: ChannelDesk;
  readonly transactionalId: string | null;
  readonly timeoutMs: number;
}

/**
 * Two keep the broker busy while the next is being written here, and records of small sends meet in one request; more win
 * nothing on one machine, and up to five are safe (`Lane`, L4).
 */
const mostUnderWay = 3;
const fullRequestBytes = 1_048_576;

/**
 * Produce requests to one broker, over kafkajs' connection but not by its code, which copies each request three times.
 *
 * Invariant: requests are written to the socket in the order in which their batches were taken.
 */
export class ProduceChannel {
  readonly #setup: ChannelSetup;
  #connection: Connection | null = null;
  #connecting = false;
  #underWay = 0;

  constructor(setup: ChannelSetup) {
    this.#setup = setup;
  }

  get isFull(): boolean {
    return this.#underWay >= mostUnderWay;
  }

  /** Sends what there is for this broker, as far as it may have more under way. */
  drain(): void {
    const { desk, nodeId } = this.#setup;
    while (!this.isFull) {
      const connection = this.#connection;
      if (connection === null || !isReady(connection)) {
        this.#connect();
        return;
      }
      const batches = desk.take(nodeId, fullRequestBytes);
      if (batches.length === 0) return;
      this.#send(connection, batches);
    }
  }

  /** Breaks the connection: what is under way on it will not arrive any more. */
  cut(): void {
    this.#connection?.socket.destroy(new Error('no answer in time'));
    this.#connection = null;
  }

  #connect(): void {
    // A connection whose credentials are due is given new ones when nothing is under way: kafkajs would mix the answers up.
    if (this.#connecting || this.#underWay > 0) return;
    this.#connecting = true;
    this.#connected()
      .then(connection => {
        this.#connection = connection;
        this.#connecting = false;
        this.drain();
      })
      .catch(error => {
        this.#connecting = false;
        this.#setup.desk.unreachable(this.#setup.nodeId, error);
      });
  }

  async #connected(): Promise<Connection> {
    const broker = await this.#setup.connect();
    requireVersion(broker);
    const connection = await broker.connectionPool.getConnection(0);
    if (connection.sasl && !connection.isAuthenticated()) await connection.authenticate();
    // A request behind another must not wait until that one's bytes are acknowledged.
    connection.socket.setNoDelay(true);
    return connection;
  }

  #send(connection: Connection, batches: readonly Batch[]): void {
    const { transactionalId, timeoutMs } = this.#setup;
    const { clientId, socket, requestQueue } = connection;
    const correlationId = connection.nextCorrelationId();
    const pieces = writeProduceRequest({ correlationId, clientId, transactionalId, timeoutMs, batches });
    this.#underWay += 1;
    const entry = {
      apiKey: produceKey,
      apiVersion: produceVersion,
      apiName: 'Produce',
      correlationId,
      resolve: ({ payload }: { payload: Buffer }) => this.#answered(batches, payload, connection),
      reject: (error: Error) => this.#lost(batches, error),
    };
    try {
      requestQueue.push({
        entry,
        expectResponse: true,
        requestTimeout: null,
        sendRequest: () => {
          socket.cork();
          for (const piece of pieces) socket.write(piece);
          socket.uncork();
        },
      });
    } catch (error) {
      this.#lost(batches, error);
    }
  }

  #answered(batches: readonly Batch[], payload: Buffer, connection: Connection): void {
    const { desk } = this.#setup;
    const byPlace = new Map<string, PartitionAnswer>();
    try {
      const { partitions, throttleMs } = readProduceAnswer(payload);
      connection.requestQueue.maybeThrottle(throttleMs);
      for (const answer of partitions) byPlace.set(`${answer.topic}/${answer.partition}`, answer);
    } catch (error) {
      this.#lost(batches, error);
      return;
    }
    this.#underWay -= 1;
    for (const batch of batches) {
      const answer = byPlace.get(`${batch.lane.topic}/${batch.lane.partition}`);
      if (answer) desk.answered(batch, answer);
      else desk.unanswered(batch, new Error('the broker left a partition out of its answer'));
    }
    desk.released();
  }

  #lost(batches: readonly Batch[], error: unknown): void {
    this.#underWay -= 1;
    // kafkajs would go on writing to a connection that may be dead.
    if ((error as Error).name === 'KafkaJSRequestTimeoutError') this.cut();
    for (const batch of batches) this.#setup.desk.unanswered(batch, error);
    this.#setup.desk.released();
  }
}

function isReady(connection: Connection): boolean {
  return connection.isConnected() && (!connection.sasl || connection.isAuthenticated());
}

function requireVersion(broker: Broker): void {
  const lookup = broker.lookupRequest(internals.apiKeys.Produce, internals.requests.Produce);
  const { apiVersion } = lookup({ acks: -1, timeout: 0, topicData: [] }).request;
  if (apiVersion === produceVersion) return;
  throw new SluiceError(
    'BROKER_REFUSED',
    `The broker offers Produce version ${apiVersion}; run Kafka 2.3 or newer`,
  );
}
