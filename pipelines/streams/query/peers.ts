import { SluiceError } from '#errors';
import type { Clock } from '../clock.ts';
import type { Access } from './access.ts';

/** Says that a question came from another member, and is not to be passed on. */
export const hopHeader = 'x-sluice-hop';

export interface PeerAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks another member. Errors: UNREACHABLE. */
export type AskPeer = (endpoint: string, path: string) => Promise<PeerAnswer>;

const patienceMs = 5_000;
/** What a member says of itself ends up in an address. */
const address = /^([\w.-]+|\[[\da-fA-F:.]+\]):\d{1,5}$/;

export function askPeers({ access, clock }: { readonly access: Access; readonly clock: Clock }): AskPeer {
  return async (endpoint, path) => {
    if (!address.test(endpoint)) throw unreachable(endpoint, 'that is no host:port');
    const late = new AbortController();
    const answered = new AbortController();
    void clock.sleep(patienceMs, answered.signal).then(() => late.abort());
    try {
      const response = await fetch(`http://${endpoint}${path}`, {
        headers: { [hopHeader]: '1', ...access.ticket(path) },
        signal: late.signal,
        redirect: 'error',
      });
      return { status: response.status, body: await response.json() };
    } catch (cause) {
      const { message, cause: deeper } = cause as Error;
      throw unreachable(endpoint, deeper instanceof Error ? deeper.message : message, cause);
    } finally {
      answered.abort();
    }
  };
}

const unreachable = (endpoint: string, why: string, cause?: unknown) =>
  new SluiceError('UNREACHABLE', `the member at ${endpoint} did not answer: ${why}`, { cause });
