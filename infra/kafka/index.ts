// The contract.

// A real cluster.
export { type KafkaClientOptions, kafkaClient } from './kafkajs-client.ts';
export type { TransportLogger } from './kafkajs-log.ts';
// A log in this process.
export { type MemoryClient, type MemoryLog, type MemoryLogOptions, memoryLog } from './memory-log.ts';
// Where a key goes.
export { murmur2, partitionOf } from './murmur2.ts';
export type {
  AssignmentContext,
  BatchContext,
  ConsumerHandler,
  ConsumerOptions,
  GroupDescription,
  GroupMember,
  GroupView,
  Headers,
  LogAdmin,
  LogBatch,
  LogClient,
  LogConsumer,
  LogProducer,
  LogRecord,
  LogTransaction,
  MemberDescription,
  MemberInfo,
  OutgoingRecord,
  PartitionEnd,
  PartitionRange,
  ReaderOptions,
  TopicPartition,
  TopicPartitionOffset,
  TopicSpec,
  TransactionalProducer,
} from './port.ts';
