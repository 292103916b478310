import { type Fields, unexpected } from '../cni/fields.ts';
import { formatAddress, type IpAddress, parseAddress } from '../net/address.ts';
import { hash64 } from '../net/hash.ts';
import type { InstanceDraft } from '../registry/attachment.ts';
import { parseMeta, parsePortName, parseTags, parseTransport } from '../registry/config.ts';
import { parseHealthCheck } from '../registry/health-check.ts';
import { defaultWeight, highestWeight, type Status, statuses, transports } from '../registry/instance.ts';
import { isLabel, toLabel } from '../registry/label.ts';
import type { InstanceUpdate } from '../registry/store.ts';
import { badRequest } from './api-error.ts';

/** Where an instance is registered. */
export type Registrar = { readonly namespace: string; readonly serviceName: string; readonly node: string };

/**
 * The body of a registration.
 * @throws ApiError 400, CniError code 7 naming the field
 */
export function parseDraft(fields: Fields, { namespace, serviceName, node }: Registrar): InstanceDraft {
  const host = parseHost(fields);
  const address = formatAddress(host);
  const port = fields.integer('Port', { min: 1, max: 65_535 }) ?? 0;
  const transport = fields.parsed('Protocol', transports.join(', '), parseTransport) ?? 'tcp';
  const check = fields.object('Check');
  const parsedCheck = check === undefined ? undefined : parseHealthCheck(check);
  const update = parseUpdate(fields);
  return {
    id: parseId(fields) ?? idOf([node, namespace, serviceName.toLowerCase(), address, port, transport]),
    namespace,
    serviceName,
    address,
    family: host.family,
    port,
    portName: fields.parsed('PortName', 'lower case letters, digits and "-"', parsePortName) ?? '',
    transport,
    weight: defaultWeight,
    tags: [],
    meta: {},
    endpoint: '',
    status: parsedCheck?.initial ?? 'passing',
    ...(parsedCheck === undefined ? {} : { check: parsedCheck }),
    ...update,
  };
}

/** What a body says of the fields that may change while an instance is registered. */
export function parseUpdate(fields: Fields): InstanceUpdate {
  const said: { [K in keyof InstanceUpdate]: InstanceUpdate[K] | undefined } = {
    weight: fields.integer('Weight', { min: 0, max: highestWeight }),
    tags: parseTags(fields, 'Tags'),
    meta: parseMeta(fields, 'Meta'),
    endpoint: parseEndpoint(fields),
    status: parseStatus(fields, statuses),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** The `Status` of a body, one of those that may be set here. */
export function parseStatus<T extends Status>(fields: Fields, allowed: readonly T[]): T | undefined {
  return fields.parsed('Status', allowed.join(', '), (text) =>
    allowed.find((status) => status === text.toLowerCase()),
  );
}

function parseHost(fields: Fields): IpAddress {
  const text = fields.string('Host') ?? fields.missing('Host');
  const address = parseAddress(text);
  if (address !== undefined && address.bits !== 0n) return address;
  throw badRequest(
    `Host: expected an IP address, found ${JSON.stringify(text.slice(0, 80))}`,
    'give the address at which the instance is reached, such as "10.1.0.2" or "fd00::2"; names are not resolved ' +
      'here, since their address may change while the instance stays registered',
  );
}

function parseId(fields: Fields): string | undefined {
  // "pick" stands in the place of an id in the API's own paths.
  return fields.parsed('Id', 'a DNS label other than "pick"', (text) =>
    isLabel(text) && text !== 'pick' ? text : undefined,
  );
}

/** The same instance has the same id, however often and over whichever listener it is registered. */
function idOf(parts: readonly [string, string, string, ...(string | number)[]]): string {
  const readable = toLabel(parts[2]).slice(0, longestReadable).replace(/-+$/, '');
  return `${readable}-${hash64(parts.join('/'))}`;
}

/** What is left of a label before "-" and 16 hex digits. */
const longestReadable = 46;

function parseEndpoint(fields: Fields): string | undefined {
  const endpoint = fields.string('Endpoint');
  if (endpoint === undefined || /^[\x21-\x7e]{0,2048}$/.test(endpoint)) return endpoint;
  throw unexpected('Endpoint', 'a path or URL of at most 2048 characters, without white space', endpoint);
}
