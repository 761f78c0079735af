import type { ErrorCode } from '#errors';

/** What the process's exit code says. Scripts rely on the numbers: they never change. */
export const exitCodes = {
  ok: { code: 0, means: 'ok' },
  findings: { code: 1, means: 'findings' },
  usage: { code: 2, means: 'usage or input' },
  auth: { code: 3, means: 'access refused' },
  unreachable: { code: 4, means: 'unreachable' },
  timeout: { code: 5, means: 'timeout' },
  bug: { code: 70, means: 'a bug of ours' },
} as const;

const outcomes: Partial<Record<ErrorCode, keyof typeof exitCodes>> = {
  CONFIG_INVALID: 'usage',
  INPUT_INVALID: 'usage',
  POLICY_INVALID: 'usage',
  POLICY_UNENFORCEABLE: 'usage',
  BROKER_REFUSED: 'auth',
  REGISTRY_REFUSED: 'auth',
  BROKER_UNREACHABLE: 'unreachable',
  REGISTRY_UNREACHABLE: 'unreachable',
  TOPIC_UNKNOWN: 'unreachable',
  UNREACHABLE: 'unreachable',
  TIMEOUT: 'timeout',
};

/** The exit code of a command that failed with an error of the catalogue. */
export function exitCodeOf(code: ErrorCode): number {
  return exitCodes[outcomes[code] ?? 'bug'].code;
}
