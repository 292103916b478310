import { endpointOf } from '../../lib/capability/endpoint.ts';
import { parseResult } from '../../lib/cni/result-parse.ts';
import { admissionRules } from '../../lib/firewall/admission.ts';
import { isolationRules } from '../../lib/firewall/isolation.ts';
import { parseAddress } from '../../lib/net/address.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { NftOperation } from '../../lib/nft/operation.ts';
import { portmap } from '../../lib/portmap/portmap.ts';
import type { Rules } from '../../lib/rules/rules.ts';
import { spoofCheckRules } from '../../lib/spoofcheck/spoofcheck.ts';
import { toCall } from './calls.ts';
import { scriptMachine } from './scripted-machine.ts';

const web = { hostPort: 8080, containerPort: 80 };
const dns = { hostPort: 53, containerPort: 53, protocol: 'UDP', hostIP: '192.0.2.1' };
const sctp = { hostPort: 65535, containerPort: 1, protocol: 'sctp', hostIP: '2001:db8::1' };

/** A container with addresses of both families, on a bridge or with a link of its own. */
function endpointWith(hostEnds: readonly string[]) {
  const { attachment } = toCall({});
  const result = {
    cniVersion: '1.0.0',
    interfaces: [...hostEnds.map((each) => ({ name: each })), { name: 'eth0', sandbox: '/run/netns/c1' }],
    ips: ['10.22.0.2/24', 'fd00:22::2/64'].map((address) => ({ address, interface: hostEnds.length })),
  };
  return endpointOf('net', attachment, parseResult(result, 'prevResult', '1.0.0'));
}

const bridged = endpointWith(['br0', 'veth1']);
const linked = endpointWith(['veth1']);

/** What host ports need, as the configuration asks for them. */
function portmapShape(conf: object, endpoint = bridged): Rules {
  const { conf: netConf } = toCall({ type: 'portmap', ...conf });
  const rules = portmap.open(netConf)?.rules(endpoint, scriptMachine());
  if (rules === undefined) throw new Error('no host ports are asked for');
  return rules;
}

const ports = { runtimeConfig: { portMappings: [web, dns, sctp] } };
const firewalled = { ...scriptMachine(), findNftTables: <T>(wanted: readonly T[]) => wanted };
const addresses = ['10.22.0.2', 'fd00:22::2'].flatMap((text) => parseAddress(text) ?? []);

/** What host ports of a container on a bridge need. */
export const hostPorts = portmapShape(ports);

/** Every kind of element that attachments have, as their planners make them. */
export const nftShapes: Readonly<Record<string, Rules>> = {
  'host ports on a bridge': hostPorts,
  'host ports of a link': portmapShape(ports, linked),
  'host ports with every source changed': portmapShape({ ...ports, masqAll: true }),
  'host ports with no source changed': portmapShape({ ...ports, snat: false }),
  'an isolated bridge': isolationRules('isolated', bridged, firewalled),
  'a bridge whose containers may talk with one another': isolationRules('same-bridge', bridged, firewalled),
  'a bridge that has no policy any more': isolationRules('open', bridged, firewalled),
  'an isolated link': isolationRules('isolated', linked, firewalled),
  'a container that another firewall is to let through': admissionRules(bridged, [4, 6]),
  'a port that may send only what is its own': spoofCheckRules(
    { port: 'veth1' as IfName, mac: '02:1a:2b:3c:4d:5e' as Mac, addresses },
    'net/c1/eth0',
  ),
};

/** What an ADD writes where all sets and chains stand. */
export function elementsOf({ shared, own }: Rules): readonly NftOperation[] {
  return [...shared.filter((rule) => !isLasting(rule)), ...own];
}

/** The sets and chains that elements are written into. */
export function lastingOf({ shared }: Rules): readonly NftOperation[] {
  return shared.filter(isLasting);
}

function isLasting({ kind }: NftOperation): boolean {
  return kind === 'add-set' || kind === 'write-chain';
}
