import { internals } from './kafkajs-internals.ts';

/** What an answer to a batch says about it. */
export type Verdict =
  /** It is in the log, acknowledged by all in-sync replicas. */
  | 'written'
  /** It is not, for now: send it again. */
  | 'refused'
  /** It is not, and another attempt would be refused as well. */
  | 'rejected'
  /** Its number is not the one expected: what was before it is missing, or the broker has lost track of the producer. */
  | 'astray'
  /** Another producer of the same transactional id took over; without such an id, the broker has lost track. */
  | 'fenced'
  /** It may or may not be: only repeating it tells. */
  | 'unsure';

const verdicts: Record<string, Verdict> = {
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'astray',
  UNKNOWN_PRODUCER_ID: 'fenced',
  INVALID_PRODUCER_EPOCH: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
  PRODUCER_FENCED: 'fenced',
  // Checked before anything is appended.
  NOT_ENOUGH_REPLICAS: 'refused',
  LEADER_NOT_AVAILABLE: 'refused',
  CONCURRENT_TRANSACTIONS: 'refused',
  CORRUPT_MESSAGE: 'refused',
  MESSAGE_TOO_LARGE: 'rejected',
  RECORD_LIST_TOO_LARGE: 'rejected',
  INVALID_TIMESTAMP: 'rejected',
  INVALID_RECORD: 'rejected',
  INVALID_TOPIC_EXCEPTION: 'rejected',
  TOPIC_AUTHORIZATION_FAILED: 'rejected',
  CLUSTER_AUTHORIZATION_FAILED: 'rejected',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'rejected',
  INVALID_TXN_STATE: 'rejected',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'rejected',
  UNSUPPORTED_COMPRESSION_TYPE: 'rejected',
  UNSUPPORTED_VERSION: 'rejected',
  POLICY_VIOLATION: 'rejected',
};
const producerFenced = 90;

/** The verdict and the protocol's error, which is null for what was written. */
export function verdictOf(errorCode: number): { verdict: Verdict; error: Error | null } {
  if (errorCode === 0) return { verdict: 'written', error: null };
  const error = internals.errorFromCode(errorCode);
  if (errorCode === producerFenced) return { verdict: 'fenced', error };
  return { verdict: verdicts[error.type] ?? 'unsure', error };
}
