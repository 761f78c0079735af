import { SluiceError } from '#errors';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const loopback = '127.0.0.1';
const everywhere = ['0.0.0.0', '::'];

/** `host:port`, `:port`, `port`. Errors: CONFIG_INVALID. */
export function addressOf(listen: string): Address {
  const found = /^(?:(?<host>[\w.-]*|\[[\da-fA-F:.]+\]):)?(?<port>\d{1,5})$/.exec(listen)?.groups;
  const port = Number(found?.port ?? -1);
  if (port < 0 || port > 65_535)
    throw new SluiceError('CONFIG_INVALID', `${listen} is no address to listen at: host:port, or a port`);
  const host = found?.host?.replace(/^\[(.*)\]$/, '$1') || loopback;
  return { host, port };
}

/** What others are told. Errors: CONFIG_INVALID where that would not lead here. */
export function endpointOf({ host, port }: Address, advertised?: string): string {
  if (advertised !== undefined && advertised !== '') {
    if (/^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/.test(advertised))
      return /:\d+$/.test(advertised) && !advertised.endsWith(']') ? advertised : `${advertised}:${port}`;
    throw new SluiceError('CONFIG_INVALID', `${advertised} cannot be advertised: host, or host:port`);
  }
  if (everywhere.includes(host))
    throw new SluiceError(
      'CONFIG_INVALID',
      `others cannot ask at ${host}: say by which name or address they reach this process (advertised)`,
    );
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
