import { Fields, unexpected } from '../../lib/cni/fields.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../lib/net/address.ts';
import { cidrContains, parseCidr } from '../../lib/net/cidr.ts';
import { parseStorePath } from '../../lib/registry/config.ts';
import { durationField } from '../../lib/registry/duration-field.ts';
import { expectedPassword, parsePassword } from '../../lib/routing/password.ts';
import {
  type BgpPeerSettings,
  type BirdSettings,
  defaultBirdSocket,
  type PasswordSource,
  type RoutingSettings,
} from '../../lib/routing/settings.ts';

/** Where there are blocks and nothing is said of routes: this way needs no program beside the agent. */
export const defaultRouting: RoutingSettings = { mode: 'direct', resyncMs: 10_000 };

/**
 * The block `routing`; README.md lists the fields.
 * @throws CniError code 7 naming the field; a password is never shown
 */
export function parseAgentRoutingConfig(fields: Fields): RoutingSettings {
  const mode =
    fields.parsed('mode', '"direct" or "bird"', (text) =>
      text === 'direct' || text === 'bird' ? text : undefined,
    ) ?? defaultRouting.mode;
  fields.only('mode', 'resyncInterval', ...birdFields);
  const misplaced = mode === 'bird' ? undefined : birdFields.find((name) => fields.has(name));
  if (misplaced !== undefined) throw unexpected(fields.at('mode'), `"bird", as ${misplaced} is there`, mode);
  const resyncMs = durationField(fields, 'resyncInterval', resyncLimits) ?? defaultRouting.resyncMs;
  return mode === 'bird' ? parseBird(fields, resyncMs) : { mode, resyncMs };
}

const birdFields = [
  ...['asn', 'password', 'passwordFile', 'holdTime', 'gracefulRestart', 'reflector', 'peers'],
  ...['configFile', 'socket'],
];

const resyncLimits = { shortest: '1s', longest: '1h' } as const;
/** Two octets, and not 1 or 2 seconds (RFC 4271, section 4.2). */
const holdLimits = { shortest: '3s', longest: '65535s' } as const;
/** Twelve bits (RFC 4724, section 3). */
const restartLimits = { shortest: '1s', longest: '4095s' } as const;
/** The largest number is reserved (RFC 7300), like 0 (RFC 7607). */
const asnLimits = { min: 1, max: 4_294_967_294 } as const;
const hopLimits = { min: 2, max: 255 } as const;

function parseBird(fields: Fields, resyncMs: number): BirdSettings {
  const path = (name: string) => fields.parsed(name, 'an absolute path', parseStorePath);
  return {
    mode: 'bird',
    resyncMs,
    asn: fields.integer('asn', asnLimits) ?? 64_512,
    password: parsePasswordSource(fields),
    holdTimeSeconds: secondsOf(durationField(fields, 'holdTime', holdLimits) ?? 90_000),
    gracefulRestartSeconds: secondsOf(durationField(fields, 'gracefulRestart', restartLimits) ?? 120_000),
    reflector: fields.parsed('reflector', 'a cluster id such as 10.0.0.1', parseClusterId),
    peers: parsePeers(fields),
    configFile: path('configFile') ?? '/var/lib/fairlead/bird.conf',
    socket: path('socket') ?? defaultBirdSocket,
  };
}

function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** The number of 32 bits in the form of an IPv4 address; 0 is none. */
function parseClusterId(text: string): string | undefined {
  const address = parseAddress(text);
  return address?.family === 4 && address.bits !== 0n && !text.includes(':') ? text : undefined;
}

function parsePeers(fields: Fields): readonly BgpPeerSettings[] {
  const peers = fields.array('peers', parsePeer) ?? [];
  const seen = new Set<string>();
  for (const [index, { address }] of peers.entries()) {
    const key = `${address.family} ${address.bits}`;
    const path = `${fields.at('peers')}[${index}].address`;
    if (seen.has(key)) throw unexpected(path, 'each address once', formatAddress(address));
    seen.add(key);
  }
  return peers;
}

function parsePeer(item: unknown, path: string): BgpPeerSettings {
  const fields = new Fields(item, path);
  fields.only('address', 'asn', 'name', 'password', 'passwordFile', 'multihop');
  return {
    address:
      fields.parsed('address', 'an IP address beyond the link', parsePeerAddress) ??
      fields.missing('address'),
    asn: fields.integer('asn', asnLimits) ?? fields.missing('asn'),
    name: fields.parsed('name', 'at most 63 letters, digits, ".", "_" and "-"', (text) =>
      /^[\w.-]{1,63}$/.test(text) ? text : undefined,
    ),
    password: parsePasswordSource(fields),
    multihop: fields.integer('multihop', hopLimits),
  };
}

const linkLocal = parseCidr('fe80::/10');

/** One of the link would need the link's name. */
function parsePeerAddress(text: string): IpAddress | undefined {
  const address = parseAddress(text);
  if (address === undefined || (linkLocal !== undefined && cidrContains(linkLocal, address)))
    return undefined;
  return address;
}

/** What was found is not shown: it may be the password. */
function parsePasswordSource(fields: Fields): PasswordSource | undefined {
  const text = fields.raw('password');
  const path = fields.parsed('passwordFile', 'an absolute path', parseStorePath);
  if (text !== undefined && path !== undefined)
    throw unexpected(fields.at('password'), 'either password or passwordFile', 'both');
  if (path !== undefined) return { kind: 'file', path };
  if (text === undefined) return undefined;
  if (typeof text === 'string' && parsePassword(text) !== undefined) return { kind: 'text', text };
  throw new CniError(ErrorCode.invalidConfig, `${fields.at('password')}: expected ${expectedPassword}`);
}
