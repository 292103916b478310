import { formatAddress, parseAddress } from '../net/address.ts';

/** Where a DNS server is: canonical text (a link-local address with its zone, "fe80::1%br0"), and a port. */
export type ServerAddress = { readonly address: string; readonly port: number };

export const dnsPort = 53;

/** `address`, `address:port` or `[address]:port`; undefined for anything else. */
export function parseServerAddress(text: string): ServerAddress | undefined {
  const bare = toCanonical(text);
  if (bare !== undefined) return { address: bare, port: dnsPort };
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = toCanonical(bracketed ?? plain ?? '');
  const port = Number(digits);
  return address === undefined || port < 1 || port > 65_535 ? undefined : { address, port };
}

function toCanonical(text: string): string | undefined {
  const [, address = '', zone = ''] = /^([^%]*)(%[\w.-]{1,15})?$/.exec(text) ?? [];
  const parsed = parseAddress(address);
  if (parsed === undefined || (zone !== '' && parsed.family === 4)) return undefined;
  return `${formatAddress(parsed)}${zone}`;
}

export function formatServerAddress({ address, port }: ServerAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export function isSameServer(one: ServerAddress, other: ServerAddress): boolean {
  return one.address === other.address && one.port === other.port;
}

/** The address without the zone that a link-local one bears. */
export function withoutZone(address: string): string {
  const percent = address.indexOf('%');
  return percent < 0 ? address : address.slice(0, percent);
}
