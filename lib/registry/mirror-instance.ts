import { isIPv4 } from 'node:net';
import { Fields, unexpected } from '../cni/fields.ts';
import { isContainerId } from '../cni/invocation.ts';
import { formatAddress, parseAddress } from '../net/address.ts';
import { parseIfName } from '../net/ifname.ts';
import { parseMeta, parseName, parsePortName, parseTags, parseTransport } from './config.ts';
import {
  type ContainerOwner,
  highestWeight,
  type Instance,
  type Status,
  statuses,
  transports,
} from './instance.ts';
import { isLabel, toNetworkLabel } from './label.ts';
import { parseMirroredCheck } from './mirror-check.ts';

/**
 * An instance as a machine has written it to an outside registry, in JSON. It comes from the network and goes into names
 * and answers: whatever this machine would not have registered itself is refused. Fields of later versions are left out.
 * @throws CniError code 7 naming the field
 */
export function parseMirroredInstance(json: unknown): Instance {
  const fields = new Fields(json, '');
  const address = parsedText(fields, 'address', 'an IP address', parseTarget);
  const check = fields.object('check');
  return {
    id: labelOf(fields, 'id'),
    revision: wholeOf(fields, 'revision', Number.MAX_SAFE_INTEGER),
    namespace: labelOf(fields, 'namespace'),
    service: labelOf(fields, 'service'),
    serviceName: parsedText(fields, 'serviceName', 'a printable name', parseName),
    address,
    family: address.includes(':') ? 6 : 4,
    port: wholeOf(fields, 'port', 65_535),
    portName: fields.parsed('portName', 'a label that is no number', parsePortName) ?? '',
    transport: parsedText(fields, 'transport', transports.join(', '), parseTransport),
    weight: wholeOf(fields, 'weight', highestWeight),
    tags: parseTags(fields, 'tags') ?? [],
    meta: parseMeta(fields, 'meta') ?? {},
    endpoint: fields.parsed('endpoint', 'a path or URL of at most 2048 characters', parseEndpoint) ?? '',
    status: parsedText(fields, 'status', statuses.join(', '), parseStatus),
    ...(check === undefined ? {} : { check: parseMirroredCheck(check) }),
    owner: parseOwner(fields.object('owner') ?? fields.missing('owner')),
    createdAtMs: wholeOf(fields, 'createdAtMs', Number.MAX_SAFE_INTEGER),
  };
}

function parseTarget(text: string): string | undefined {
  const address = toCanonical(text);
  return address === '0.0.0.0' || address === '::' ? undefined : address;
}

/** Most are IPv4, and there may be tens of thousands: what Node takes for it is canonical already. */
function toCanonical(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const address = parseAddress(text);
  return address && formatAddress(address);
}

function parseEndpoint(text: string): string | undefined {
  return /^[\x21-\x7e]{0,2048}$/.test(text) ? text : undefined;
}

function parseStatus(text: string): Status | undefined {
  return statuses.find((status) => status === text);
}

function parseOwner(fields: Fields): Instance['owner'] {
  const kind = fields.string('kind');
  const node = labelOf(fields, 'node');
  if (kind === 'api') return { kind, node };
  if (kind === 'container') return { kind, node, ...parseContainer(fields) };
  throw unexpected(fields.at('kind'), '"container" or "api"', kind);
}

function parseContainer(fields: Fields): Omit<ContainerOwner, 'kind' | 'node'> {
  const gateways = fields.array('gateways', parseGateway);
  return {
    network: parsedText(fields, 'network', "a network's name", parseIdentifier),
    networkLabel: parsedText(fields, 'networkLabel', "a network's label", parseNetworkLabel),
    containerId: parsedText(fields, 'containerId', "a container's id", parseIdentifier),
    host: labelOf(fields, 'host'),
    ifName: parsedText(fields, 'ifName', "an interface's name", parseIfName),
    ...(gateways === undefined ? {} : { gateways }),
  };
}

/** Far more than any runtime writes; each is repeated in answers. */
const longestIdentifier = 512;

function parseIdentifier(text: string): string | undefined {
  return text.length <= longestIdentifier && isContainerId(text) ? text : undefined;
}

/** Not one of the zone's own labels, below which nobody else's names may appear. */
function parseNetworkLabel(text: string): string | undefined {
  return isLabel(text) && toNetworkLabel(text) === text ? text : undefined;
}

function parseGateway(item: unknown, path: string): string {
  const address = typeof item === 'string' ? toCanonical(item) : undefined;
  if (address === undefined) throw unexpected(path, 'an IP address', item);
  return address;
}

function labelOf(fields: Fields, name: string): string {
  return parsedText(fields, name, 'a DNS label', (text) => (isLabel(text) ? text : undefined));
}

function wholeOf(fields: Fields, name: string, max: number): number {
  return fields.integer(name, { min: 0, max }) ?? fields.missing(name);
}

function parsedText<T>(
  fields: Fields,
  name: string,
  expected: string,
  parse: (text: string) => T | undefined,
): T {
  return fields.parsed(name, expected, parse) ?? fields.missing(name);
}
