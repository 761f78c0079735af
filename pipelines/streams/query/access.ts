/**
 * Who may ask.
 *
 * Owns: the token, the tickets with which members ask each other, the check against a browser that was led here.
 *
 * Invariants:
 * A1 The token is compared in constant time, and never leaves this process: a member that advertises a false address gets a
 *    ticket for one question, not the token.
 * A2 Without a token, only requests that name this machine by address (or as advertised) are answered, so that no web page
 *    reaches a loopback server through a name of its own.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { Clock } from '../clock.ts';
import { Refusal } from './refusal.ts';

export interface AccessOptions {
  readonly token: string | null;
  /** Names by which this server may be called. */
  readonly hosts: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
}

const ticketScheme = 'Sluice-Ticket';
/** Longer than clocks of members differ. */
const ticketMs = 60_000;

export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Errors: 401, 403. `path`: as it was asked for, with its parameters. */
  check(path: string, headers: IncomingHttpHeaders): void {
    const { token } = this.#options;
    if (token === null) this.#checkHost(headers.host);
    else if (!this.#isKnown(path, headers.authorization ?? '', token))
      throw new Refusal(401, 'a token is needed: Authorization: Bearer …', {
        headers: { 'www-authenticate': 'Bearer' },
      });
  }

  /** What another member lets pass, for this path and the next minute. */
  ticket(path: string): Readonly<Record<string, string>> {
    const { token, clock } = this.#options;
    if (token === null) return {};
    const untilMs = clock.now() + ticketMs;
    return { authorization: `${ticketScheme} ${untilMs}.${sign(token, path, untilMs)}` };
  }

  #isKnown(path: string, authorization: string, token: string): boolean {
    const [, scheme = '', secret = ''] = /^(\S+) (.*)$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() === 'bearer') return isSame(secret, token);
    if (scheme !== ticketScheme) return false;
    const [until = '', signature = ''] = secret.split('.', 2);
    const untilMs = Number(until);
    const nowMs = this.#options.clock.now();
    if (!(untilMs >= nowMs && untilMs <= nowMs + 2 * ticketMs)) return false;
    return isSame(signature, sign(token, path, untilMs));
  }

  #checkHost(host = ''): void {
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (isIP(name) !== 0 || name === 'localhost' || this.#options.hosts.includes(name)) return;
    throw new Refusal(
      403,
      `this server is not called ${JSON.stringify(name)}: ask by address, or set a token`,
    );
  }
}

const sign = (token: string, path: string, untilMs: number) =>
  createHmac('sha256', token).update(`${untilMs}\n${path}`).digest('base64url');

/** Takes as long whatever differs, the length included. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
