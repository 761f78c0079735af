import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type ISocketFactory, type SASLOptions } from 'kafkajs';
import { SluiceError } from '#errors';
import { BufferPool } from './buffer-pool.ts';
import { KafkajsAdmin } from './kafkajs-admin.ts';
import { KafkajsConsumer } from './kafkajs-consumer.ts';
import { KafkajsLink } from './kafkajs-link.ts';
import { silent, type TransportLogger, toTransportLog } from './kafkajs-log.ts';
import { mendKafkajs } from './kafkajs-mends.ts';
import { KafkajsProducer, type ProducerSetup } from './kafkajs-producer.ts';
import { readPartition } from './kafkajs-reader.ts';
import { KafkajsTransactionalProducer } from './kafkajs-transaction.ts';
import type { LogClient } from './port.ts';

export interface KafkaClientOptions {
  /** `host:port` of some brokers of the cluster; in one string, with commas between. */
  readonly bootstrapServers: string | readonly string[];
  readonly clientId: string;
  readonly tls?: ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** Absent: the transport says nothing. */
  readonly logger?: TransportLogger;
  readonly compression?: 'gzip' | 'none';
  /** How long a request is tried again before it fails. Absent: 30 s. */
  readonly deliveryTimeoutMs?: number;
  /** A consumer that did nothing for so long is started anew. Absent: twice its session timeout and its `maxWaitMs`. */
  readonly stallMs?: number;
  /** How sockets are opened. Absent: TCP, or TLS where `tls` is given. */
  readonly socketFactory?: ISocketFactory;
  /** Called whenever a consumer had to be started again. */
  readonly onConsumerRestart?: (reason: 'crashed' | 'stalled', groupId: string) => void;
}

const connectionTimeoutMs = 3_000;
const requestTimeoutMs = 30_000;

/** A client of a Kafka cluster (2.3 to 4.x). Connects when the first of what it hands out does. */
export function kafkaClient(options: KafkaClientOptions): LogClient {
  mendKafkajs();
  const { logger = silent, deliveryTimeoutMs = requestTimeoutMs } = options;
  const connection = {
    brokers: [options.bootstrapServers].flat().flatMap(address => address.split(',')),
    clientId: options.clientId,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: toTransportLog(logger),
    ...(options.tls ? { ssl: options.tls } : {}),
    ...(options.sasl ? { sasl: options.sasl } : {}),
    ...(options.socketFactory ? { socketFactory: options.socketFactory } : {}),
  };
  const kafka = new kafkajs.Kafka({
    ...connection,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 5 },
  });
  const handedOut = new Set<{ close(): Promise<void> }>();
  const ended = new AbortController();
  const keep = <T extends { close(): Promise<void> }>(made: T): T => {
    handedOut.add(made);
    return made;
  };
  const guard = () => {
    if (ended.signal.aborted)
      throw new SluiceError('BUG', `Client ${options.clientId} is closed; make a new one`);
  };
  const newLink = () => keep(new KafkajsLink(kafka, deliveryTimeoutMs));
  let shared: KafkajsLink | null = null;
  const link = () => {
    shared ??= newLink();
    return shared;
  };
  const buffers = new BufferPool();
  const producerSetup = (onClosed: () => void): ProducerSetup => ({
    link: new KafkajsLink(kafka, deliveryTimeoutMs),
    onClosed,
    buffers,
    deliveryTimeoutMs,
    gzip: options.compression === 'gzip',
  });
  return {
    async producer() {
      guard();
      const made = keep(new KafkajsProducer(producerSetup(() => handedOut.delete(made))));
      return made.open();
    },
    async transactionalProducer(transactionalId) {
      guard();
      const setup = producerSetup(() => handedOut.delete(made));
      const made = keep(new KafkajsTransactionalProducer(transactionalId, setup));
      return made.open();
    },
    consumer(consumerOptions) {
      guard();
      const { stallMs, onConsumerRestart: onRestart = () => {} } = options;
      return keep(
        new KafkajsConsumer(consumerOptions, {
          kafka,
          link: link(),
          logger,
          ...(stallMs === undefined ? {} : { stallMs }),
          patienceMs: deliveryTimeoutMs,
          onRestart,
        }),
      );
    },
    async read(readerOptions) {
      guard();
      const own = newLink();
      const signal = readerOptions.signal
        ? AbortSignal.any([readerOptions.signal, ended.signal])
        : ended.signal;
      try {
        return await readPartition(own, { ...readerOptions, signal });
      } finally {
        handedOut.delete(own);
        await own.close();
      }
    },
    async admin() {
      guard();
      return keep(new KafkajsAdmin(newLink()));
    },
    async close() {
      ended.abort();
      const links = [...handedOut].filter(each => each instanceof KafkajsLink);
      await Promise.all(
        [...handedOut].filter(each => !links.includes(each as KafkajsLink)).map(each => each.close()),
      );
      await Promise.all(links.map(each => each.close()));
      handedOut.clear();
    },
  };
}
