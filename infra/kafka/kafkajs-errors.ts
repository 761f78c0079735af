import { type ErrorCode, SluiceError } from '#errors';

interface Foreign {
  readonly name?: string;
  readonly type?: string;
  readonly code?: unknown;
  readonly message?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

const codesByType: Record<string, ErrorCode> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'TOPIC_UNKNOWN',
  INVALID_TOPIC_EXCEPTION: 'TOPIC_UNKNOWN',
  // A zombie learns of its fencing under many names, which one depends on what it asked for.
  INVALID_PRODUCER_EPOCH: 'PRODUCER_FENCED',
  PRODUCER_FENCED: 'PRODUCER_FENCED',
  INVALID_PRODUCER_ID_MAPPING: 'PRODUCER_FENCED',
  INVALID_TXN_STATE: 'PRODUCER_FENCED',
  TRANSACTION_COORDINATOR_FENCED: 'PRODUCER_FENCED',
  REBALANCE_IN_PROGRESS: 'REBALANCED',
  ILLEGAL_GENERATION: 'REBALANCED',
  UNKNOWN_MEMBER_ID: 'REBALANCED',
  MESSAGE_TOO_LARGE: 'VALUE_INVALID',
  RECORD_LIST_TOO_LARGE: 'VALUE_INVALID',
  INVALID_TIMESTAMP: 'VALUE_INVALID',
  INVALID_RECORD: 'VALUE_INVALID',
  // The broker lost track of the producer; another attempt is made by a fresh one.
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'BROKER_UNREACHABLE',
  DUPLICATE_SEQUENCE_NUMBER: 'BROKER_UNREACHABLE',
  UNKNOWN_PRODUCER_ID: 'BROKER_UNREACHABLE',
};

/** Names of kafkajs' own errors that say the broker could not be reached, although some claim no retry could help. */
const unreachable = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSNoBrokerAvailableError',
]);

const mends: Partial<Record<ErrorCode, string>> = {
  TOPIC_UNKNOWN: 'create the topic first',
  PRODUCER_FENCED: 'a newer producer of the same transactional id took over',
  REBALANCED: 'the partitions went to another member of the group',
  BROKER_UNREACHABLE: 'check that the broker runs and that the address is right',
  BROKER_REFUSED: "check this client's credentials and access rights, and the broker's version",
};

/** kafkajs says the same whether the broker is away or refuses. */
const coordinatorMend =
  'check that the broker runs, and that this client has access to the group or transactional id';

/** A kafkajs error as one of the catalogue. `doing` says what was attempted, with the topic, group or address. */
export function fromKafkajs(error: unknown, doing: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const root = rootOf(error as Foreign);
  const code = codeOf(root);
  const mend = root.name === 'KafkaJSGroupCoordinatorNotFound' ? coordinatorMend : mends[code];
  const message = `${doing}: ${root.message ?? root}${mend ? ` (${mend})` : ''}`;
  return new SluiceError(code, message, { cause: error });
}

/** True when another attempt at the same thing may succeed. */
export function isPassing(error: unknown): boolean {
  const code = error instanceof SluiceError ? error.code : codeOf(rootOf(error as Foreign));
  return code === 'BROKER_UNREACHABLE';
}

/** The protocol's name of an error, wherever kafkajs wrapped it. */
export function protocolTypeOf(error: unknown): string | undefined {
  return rootOf(error as Foreign).type;
}

/** kafkajs wraps once per layer of retries; the innermost knows most. */
function rootOf(error: Foreign): Foreign {
  const { cause, type } = error ?? {};
  const deeper =
    type === undefined && cause !== null && typeof cause === 'object' ? (cause as Foreign) : null;
  return deeper && isForeign(deeper) ? rootOf(deeper) : error;
}

function isForeign({ name, type }: Foreign): boolean {
  return type !== undefined || name?.startsWith('KafkaJS') === true;
}

function codeOf({ name, type, message, retriable, code }: Foreign): ErrorCode {
  if (type !== undefined) {
    // kafkajs knows the protocol's errors up to 88; 90 is PRODUCER_FENCED.
    if (type === 'KAFKAJS_UNKNOWN_ERROR_CODE' && message?.endsWith(' 90')) return 'PRODUCER_FENCED';
    return codesByType[type] ?? (retriable === false ? 'BROKER_REFUSED' : 'BROKER_UNREACHABLE');
  }
  if (typeof code === 'string' && /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOST|ENET)/.test(code)) {
    return 'BROKER_UNREACHABLE';
  }
  if (name === undefined || !name.startsWith('KafkaJS')) return 'BUG';
  return unreachable.has(name) || retriable === true ? 'BROKER_UNREACHABLE' : 'BROKER_REFUSED';
}
