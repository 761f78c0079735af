/** An access in words, as findings, comparisons and lists of denials say it. */

import type { Judged } from './access.ts';
import { nameOf } from './network-ir.ts';

export function accessText(access: Judged): string {
  const { operation, object, source } = access;
  const what = deed(access);
  const isPath = operation === 'EXEC' || operation.startsWith('FILE_');
  return source && !(isPath && source === object) ? `${what}, by ${source}` : what;
}

function deed({ operation, object, transport, port, peer, http }: Judged): string {
  const request = http ? `: ${http.method} ${http.path}` : '';
  const isIcmp = transport === 'ICMP' || transport === 'ICMPV6';
  const where = `${peer ? nameOf(peer) : 'an unknown peer'}, ${transport} ${isIcmp ? `type ${object}` : `port ${port}`}`;
  switch (operation) {
    case 'EXEC':
      return `executes ${object}`;
    case 'FILE_READ':
      return `reads ${object}`;
    case 'FILE_WRITE':
      return `writes ${object}`;
    case 'CONNECT':
      return `connects to ${where}${request}`;
    case 'SEND':
      return `sends to ${where}${request}`;
    case 'ACCEPT':
      return `accepts ${where}${request}`;
    case 'BIND':
      return `binds ${transport} port ${port}`;
    case 'SOCKET':
      return `uses ${transport}`;
    case 'CAPABILITY':
      return `uses capability ${object}`;
    case 'SYSCALL':
      return `calls ${object}`;
    case 'DNS':
      return `asks ${where} for ${object}`;
  }
}
