export { type MemoryClient, type MemoryLog, type MemoryLogOptions, memoryLog } from './memory-log.ts';
export { murmur2, partitionOf } from './murmur2.ts';
export type {
  BatchContext,
  ConsumerHandler,
  ConsumerOptions,
  Headers,
  LogAdmin,
  LogBatch,
  LogClient,
  LogConsumer,
  LogProducer,
  LogRecord,
  LogTransaction,
  OutgoingRecord,
  PartitionRange,
  ReaderOptions,
  TopicPartition,
  TopicPartitionOffset,
  TopicSpec,
  TransactionalProducer,
} from './port.ts';
