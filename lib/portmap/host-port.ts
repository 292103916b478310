import { Fields, unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type Family, formatAddress, type IpAddress, parseAddress } from '../net/address.ts';
import type { Flow } from '../plan/flow.ts';

/** A port of the host in one family, and the container's port that it leads to. */
export type HostPort = {
  readonly family: Family;
  readonly protocol: Flow['protocol'];
  readonly port: number;
  /** The host's only address at which it leads there; undefined for all of the family. */
  readonly address: IpAddress | undefined;
  readonly containerPort: number;
};

/** A host port in words, for errors. */
export function describeHostPort({ protocol, port, address }: HostPort): string {
  return `host port ${port}/${protocol}${address === undefined ? '' : ` of ${formatAddress(address)}`}`;
}

/**
 * The host ports that a runtime asks for: `runtimeConfig.portMappings`, or where there is none what Mesos sends. Each once;
 * a mapping without hostIP stands for both families.
 * @throws CniError code 7 naming the mapping
 */
export function parseHostPorts({ fields }: NetConf): readonly HostPort[] {
  const { source, name, names } = sourceOf(fields);
  const mapped = source?.array(name, (item, path) => parseMapping(item, path, names)) ?? [];
  if (mapped.length > mostMappings)
    throw unexpected(source?.at(name) ?? name, `at most ${mostMappings} mappings`, mapped.length);
  return withoutRepeats(mapped);
}

/** A script of nft with more is none that anybody means. */
const mostMappings = 4096;

type Names = { readonly hostPort: string; readonly containerPort: string };

/** What Mesos sends is found in its place alone: its arguments are no conventions of the specification. */
function sourceOf(fields: Fields): { source: Fields | undefined; name: string; names: Names } {
  const runtime = fields.object('runtimeConfig');
  if (runtime?.raw('portMappings') !== undefined)
    return {
      source: runtime,
      name: 'portMappings',
      names: { hostPort: 'hostPort', containerPort: 'containerPort' },
    };
  return {
    source: fields.object('args')?.object('org.apache.mesos')?.object('network_info'),
    name: 'port_mappings',
    names: { hostPort: 'host_port', containerPort: 'container_port' },
  };
}

type Mapping = { readonly path: string; readonly ports: readonly HostPort[] };

function parseMapping(item: unknown, path: string, names: Names): Mapping {
  const fields = new Fields(item, path);
  const common = {
    protocol: parseProtocol(fields),
    port: parsePort(fields, names.hostPort),
    containerPort: parsePort(fields, names.containerPort),
  };
  const hostIp = fields.parsed('hostIP', 'an IP address of the host', parseAddress);
  const families: readonly Family[] = hostIp === undefined ? [4, 6] : [hostIp.family];
  // 0.0.0.0 and :: are all addresses of their family.
  const address = hostIp?.bits === 0n ? undefined : hostIp;
  return { path, ports: families.map((family) => ({ family, address, ...common })) };
}

function parsePort(fields: Fields, name: string): number {
  return fields.integer(name, { min: 1, max: 65_535 }) ?? fields.missing(name);
}

const protocols = ['tcp', 'udp', 'sctp'] as const;

function parseProtocol(fields: Fields): HostPort['protocol'] {
  const found = (fields.string('protocol') ?? '').toLowerCase();
  const known = protocols.find((protocol) => protocol === (found || 'tcp'));
  if (known !== undefined) return known;
  throw unexpected(fields.at('protocol'), protocols.join(', '), found);
}

/** Runtimes repeat a mapping that several containers of a pod ask for. */
function withoutRepeats(mappings: readonly Mapping[]): readonly HostPort[] {
  const known = new Map<string, HostPort>();
  for (const { path, ports } of mappings) {
    for (const port of ports) {
      const key = `IPv${port.family} ${describeHostPort(port)}`;
      const first = known.get(key) ?? port;
      if (first.containerPort !== port.containerPort) throw contradiction(path, port, first);
      known.set(key, first);
    }
  }
  return [...known.values()];
}

function contradiction(path: string, port: HostPort, first: HostPort): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `${path}: ${describeHostPort(port)} leads to the container's port ${first.containerPort} already, it cannot lead to ${port.containerPort} as well; choose another host port`,
  );
}
