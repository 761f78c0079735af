/**
 * Every error Sluice raises on purpose: its code, what the caller does about it, and where it arises.
 * A new failure that asks for a different reaction is a new row here; anything foreign classifies to BUG.
 */

/** What a caller does: try again, put the record aside, rebuild state, join the group again, or stop. */
export type Reaction = 'retry' | 'dead-letter' | 'restore' | 'rejoin' | 'halt';
export type FailureStage = 'RECEIVING' | 'PROCESSING' | 'SENDING';

export const catalogue = {
  BUG: { reaction: 'halt', stage: 'PROCESSING' },
  CONFIG_INVALID: { reaction: 'halt', stage: 'PROCESSING' },
  RECORD_TRUNCATED: { reaction: 'dead-letter', stage: 'RECEIVING' },
  RECORD_CORRUPT: { reaction: 'dead-letter', stage: 'RECEIVING' },
  SCHEMA_UNKNOWN: { reaction: 'dead-letter', stage: 'RECEIVING' },
  SCHEMA_INCOMPATIBLE: { reaction: 'dead-letter', stage: 'RECEIVING' },
  VALUE_INVALID: { reaction: 'dead-letter', stage: 'SENDING' },
  PROCESSING_FAILED: { reaction: 'dead-letter', stage: 'PROCESSING' },
  REGISTRY_UNREACHABLE: { reaction: 'retry', stage: 'RECEIVING' },
  REGISTRY_REFUSED: { reaction: 'halt', stage: 'SENDING' },
  BROKER_UNREACHABLE: { reaction: 'retry', stage: 'SENDING' },
  BROKER_REFUSED: { reaction: 'halt', stage: 'SENDING' },
  TOPIC_UNKNOWN: { reaction: 'halt', stage: 'RECEIVING' },
  PRODUCER_FENCED: { reaction: 'rejoin', stage: 'SENDING' },
  REBALANCED: { reaction: 'rejoin', stage: 'RECEIVING' },
  CONSUMER_STOPPED: { reaction: 'rejoin', stage: 'RECEIVING' },
  STORE_CORRUPT: { reaction: 'restore', stage: 'PROCESSING' },
  STORE_LOCKED: { reaction: 'retry', stage: 'PROCESSING' },
  STORE_UNUSABLE: { reaction: 'halt', stage: 'PROCESSING' },
  BUFFER_FULL: { reaction: 'halt', stage: 'PROCESSING' },
  IDENTITY_UNKNOWN: { reaction: 'dead-letter', stage: 'PROCESSING' },
  POLICY_INVALID: { reaction: 'dead-letter', stage: 'PROCESSING' },
  POLICY_UNENFORCEABLE: { reaction: 'dead-letter', stage: 'PROCESSING' },
  INPUT_INVALID: { reaction: 'halt', stage: 'RECEIVING' },
  UNREACHABLE: { reaction: 'halt', stage: 'PROCESSING' },
  TIMEOUT: { reaction: 'halt', stage: 'PROCESSING' },
} as const satisfies Record<string, { reaction: Reaction; stage: FailureStage }>;

export type ErrorCode = keyof typeof catalogue;

/** An error of the catalogue. Its message says what happened, where, and what mends it. */
export class SluiceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SluiceError';
    this.code = code;
  }

  get reaction(): Reaction {
    return catalogue[this.code].reaction;
  }

  get stage(): FailureStage {
    return catalogue[this.code].stage;
  }
}

/** The error itself when it is ours, else a BUG that keeps the foreign one as its cause. */
export function classify(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SluiceError('BUG', message, { cause: error });
}
