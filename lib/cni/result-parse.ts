import { parseAddress } from '../net/address.ts';
import { type Cidr, parseCidr } from '../net/cidr.ts';
import { Fields } from './fields.ts';
import type { Result, ResultDns, ResultInterface, ResultIp, ResultRoute } from './result.ts';
import { isAtLeast, parseSpecVersion, type SpecVersion } from './version.ts';

/**
 * A result of any spec version: a prevResult, or what a delegated IPAM plugin printed.
 * @param path where it stands, for the errors ("prevResult")
 * @param outer the configuration's version, for a result that names none
 * @throws CniError code 7, or code 1 for a version that is not spoken
 */
export function parseResult(value: unknown, path: string, outer: SpecVersion): Result {
  const fields = new Fields(value, path);
  const stated = fields.string('cniVersion');
  const version = stated === undefined ? outer : parseSpecVersion(stated);
  const dns = parseDns(fields.object('dns'));
  return isAtLeast(version, '0.3.0') ? parseLists(fields, dns) : parsePerFamily(fields, dns);
}

/** The `dns` object of a configuration or a result. */
export function parseDns(fields: Fields | undefined): ResultDns {
  if (fields === undefined) return {};
  return defined({
    nameservers: fields.strings('nameservers'),
    domain: fields.string('domain'),
    search: fields.strings('search'),
    options: fields.strings('options'),
  });
}

/**
 * The `dns` of a configuration. What a runtime gives as the capability `dns` stands instead of it, field by field, where
 * it says something: `servers`, `searches` and `options`, by the names that the conventions have for them or by the
 * configuration's own.
 * @throws CniError code 7
 */
export function parseConfDns(conf: Fields): ResultDns {
  const stated = parseDns(conf.object('dns'));
  const given = conf.object('runtimeConfig')?.object('dns');
  if (given === undefined) return stated;
  const { nameservers, search, ...others } = parseDns(given);
  const lists = {
    nameservers: given.strings('servers') ?? nameservers,
    search: given.strings('searches') ?? search,
    options: others.options,
  };
  const said = Object.entries({ ...others, ...lists }).filter(([, value]) => (value ?? '').length > 0);
  return { ...stated, ...Object.fromEntries(said) };
}

/** One entry of `routes`. */
export function parseRoute(item: unknown, path: string): ResultRoute {
  const fields = new Fields(item, path);
  return defined({
    dst: needed(fields.parsed('dst', 'a network such as 10.0.0.0/8', parseCidr), fields, 'dst'),
    gw: fields.parsed('gw', 'an IP address', parseAddress),
    mtu: fields.integer('mtu', { min: 0, max: 65_535 }),
    advmss: fields.integer('advmss', { min: 0, max: 65_535 }),
    priority: fields.integer('priority', { min: 0, max: 4_294_967_295 }),
    table: fields.integer('table', { min: 0, max: 4_294_967_295 }),
    scope: fields.integer('scope', { min: 0, max: 255 }),
  });
}

function parseLists(fields: Fields, dns: ResultDns): Result {
  return {
    interfaces: fields.array('interfaces', parseInterface) ?? [],
    ips: fields.array('ips', parseIp) ?? [],
    routes: fields.array('routes', parseRoute) ?? [],
    dns,
  };
}

function parseInterface(item: unknown, path: string): ResultInterface {
  const fields = new Fields(item, path);
  return defined({
    name: needed(fields.string('name'), fields, 'name'),
    mac: fields.string('mac'),
    mtu: fields.integer('mtu', { min: 0, max: 4_294_967_295 }),
    sandbox: fields.string('sandbox'),
    socketPath: fields.string('socketPath'),
    pciID: fields.string('pciID'),
  });
}

function parseIp(item: unknown, path: string): ResultIp {
  const fields = new Fields(item, path);
  return defined({
    address: needed(fields.parsed('address', 'an address such as 10.1.0.2/24', parseCidr), fields, 'address'),
    gateway: fields.parsed('gateway', 'an IP address', parseAddress),
    interface: fields.integer('interface', { min: 0, max: 65_535 }),
  });
}

function parsePerFamily(fields: Fields, dns: ResultDns): Result {
  const families = [fields.object('ip4'), fields.object('ip6')].filter((family) => family !== undefined);
  return {
    interfaces: [],
    ips: families.map((family) =>
      defined({
        address: needed(family.parsed('ip', 'an address such as 10.1.0.2/24', parseCidr), family, 'ip'),
        gateway: family.parsed('gateway', 'an IP address', parseAddress),
      }),
    ),
    routes: families.flatMap((family) => family.array('routes', parseRoute) ?? []),
    dns,
  };
}

function needed<T extends string | Cidr>(value: T | undefined, fields: Fields, name: string): T {
  return value ?? fields.missing(name);
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the fields that are undefined, so that absent stays absent in the JSON that we print. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
