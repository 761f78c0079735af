import type { Behaviour } from '#schemas';

/** Talking to somebody, or waiting for somebody to talk to; DNS is about a name, not about a socket. */
export function isTraffic({ operation }: Pick<Behaviour, 'operation'>): boolean {
  return ['CONNECT', 'ACCEPT', 'BIND', 'SEND'].includes(operation);
}

/** Profiles written before sockets were an operation of their own tell them as a system call. */
export function opensSocket({ operation, object }: Pick<Behaviour, 'operation' | 'object'>): boolean {
  return operation === 'SOCKET' || (operation === 'SYSCALL' && object === 'socket');
}
