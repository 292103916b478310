import { formatAddress, type IpAddress } from '../net/address.ts';
import { type Cidr, formatCidr } from '../net/cidr.ts';
import { isAtLeast, type SpecVersion } from './version.ts';

/** An interface that an attachment made; without `sandbox` it is one of the host's. */
export type ResultInterface = {
  readonly name: string;
  readonly mac?: string;
  /** Bytes. */
  readonly mtu?: number;
  /** Path of the container's network namespace. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
};

export type ResultIp = {
  readonly address: Cidr;
  readonly gateway?: IpAddress;
  /** Index into `interfaces`. */
  readonly interface?: number;
};

export type ResultRoute = {
  readonly dst: Cidr;
  readonly gw?: IpAddress;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
};

export type ResultDns = {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
};

/** What ADD answers, in the shape of specification 1.1.0, section 5 "Result Types". */
export type Result = {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
};

/** The result as JSON data in the shape that `version` of the specification gives it. */
export function renderResult(result: Result, version: SpecVersion): object {
  return isAtLeast(version, '0.3.0') ? renderLists(result, version) : renderPerFamily(result, version);
}

/** 0.3.0 and later: lists. A delegated IPAM plugin's result has no interfaces, and then no such list. */
function renderLists({ interfaces, ips, routes, dns }: Result, version: SpecVersion): object {
  return {
    cniVersion: version,
    ...nonEmpty(
      'interfaces',
      interfaces.map((each) => renderInterface(each, version)),
    ),
    ...nonEmpty(
      'ips',
      ips.map((each) => renderIp(each, version)),
    ),
    ...nonEmpty(
      'routes',
      routes.map((each) => renderRoute(each, version)),
    ),
    dns,
  };
}

function renderInterface(found: ResultInterface, version: SpecVersion): object {
  if (isAtLeast(version, '1.1.0')) return found;
  const { name, mac, sandbox } = found;
  return { name, ...(mac === undefined ? {} : { mac }), ...(sandbox === undefined ? {} : { sandbox }) };
}

function renderIp({ address, gateway, interface: index }: ResultIp, version: SpecVersion): object {
  return {
    ...(isAtLeast(version, '1.0.0') ? {} : { version: String(address.address.family) }),
    ...(index === undefined ? {} : { interface: index }),
    address: formatCidr(address),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
  };
}

function renderRoute({ dst, gw, ...attributes }: ResultRoute, version: SpecVersion): object {
  return {
    dst: formatCidr(dst),
    ...(gw === undefined ? {} : { gw: formatAddress(gw) }),
    ...(isAtLeast(version, '1.1.0') ? attributes : {}),
  };
}

/** 0.1.0 and 0.2.0: one address for each family, with the routes of that family beside it. */
function renderPerFamily({ ips, routes, dns }: Result, version: SpecVersion): object {
  const ofFamily = (family: 4 | 6): object => {
    const first = ips.find(({ address }) => address.address.family === family);
    if (first === undefined) return {};
    const own = routes.filter(({ dst }) => dst.address.family === family);
    return {
      [`ip${family}`]: {
        ip: formatCidr(first.address),
        ...(first.gateway === undefined ? {} : { gateway: formatAddress(first.gateway) }),
        ...nonEmpty(
          'routes',
          own.map((route) => renderRoute(route, version)),
        ),
      },
    };
  };
  return { cniVersion: version, ...ofFamily(4), ...ofFamily(6), dns };
}

function nonEmpty(name: string, list: readonly object[]): object {
  return list.length === 0 ? {} : { [name]: list };
}
