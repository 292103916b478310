import { parseBridgeConfig } from '../../lib/bridge/config.ts';
import type { BridgeKind, BridgeNetwork } from '../../lib/bridge/network.ts';
import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import { unexpected } from '../../lib/cni/fields.ts';
import { type NetConf, parseNetConf } from '../../lib/cni/netconf.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseOverlayConfig } from './config.ts';
import { type HostNetwork, toIpam } from './host-network.ts';
import { openStatic } from './static-overlay.ts';
import { openSubnetFile } from './subnet-file.ts';

/**
 * The plugin `vxlan-overlay`: containers on many hosts in one network. On its own host each is attached as `bridge` does
 * it, with addresses of the host's subnet; what leads to the other hosts is the uplink.
 */
export const vxlanOverlay: BridgeKind = {
  name: 'vxlan-overlay',
  open: (call, machine) => {
    const conf = withDelegate(call.conf);
    const { host, uplinkOf } = openHost(conf, machine);
    const network = toBridgeNetwork(conf, host);
    return {
      network,
      ipamCall: { ...call, conf: withIpam(conf, toIpam(host)) },
      uplink: uplinkOf(network.bridge),
    };
  },
  openRemoval: (call) => openRemoval(call),
};

function openHost(conf: NetConf, machine: Machine) {
  const overlay = parseOverlayConfig(conf);
  return overlay.kind === 'static'
    ? openStatic(conf.name, overlay, machine)
    : openSubnetFile(overlay.path, machine);
}

/** Neither subnet.env nor the interface of the underlay is needed: containers go also when those have gone. */
function openRemoval<Call extends NetworkCall>(call: Call) {
  const conf = withDelegate(call.conf);
  return { ipamCall: { ...call, conf: withIpam(conf, {}) } };
}

/** Flannel's plugin has the fields of the bridge in `delegate`; what stands beside it comes first. */
function withDelegate(conf: NetConf): NetConf {
  const delegate = conf.fields.object('delegate');
  const type = delegate?.string('type') ?? 'bridge';
  if (type !== 'bridge') throw unexpected('delegate.type', '"bridge"', type);
  return delegate === undefined
    ? conf
    : parseNetConf({ ...(conf.fields.raw('delegate') as object), ...conf.json });
}

/** What the configuration leaves open is as containers of an overlay want it. */
function toBridgeNetwork(conf: NetConf, host: HostNetwork): BridgeNetwork {
  const usual = { isDefaultGateway: true, ipMasq: !host.isMasqueraded };
  const open = Object.entries(usual).filter(([name]) => conf.fields.raw(name) === undefined);
  const network = parseBridgeConfig(parseNetConf({ ...conf.json, ...Object.fromEntries(open) }));
  const { mtu = host.mtu } = network;
  if (mtu > host.mtu) throw unexpected('mtu', `at most ${host.mtu}, which is what the overlay carries`, mtu);
  return { ...network, mtu, unmasqueraded: host.networks };
}

/** host-local, with the ranges of the host's subnet in the place of any other. */
function withIpam(conf: NetConf, decided: object): NetConf {
  const type = conf.fields.object('ipam')?.string('type') ?? '';
  if (type !== '' && type !== 'host-local')
    throw unexpected('ipam.type', '"host-local", which leases from the subnet of the host', type);
  const { ranges: _ranges, subnet: _subnet, subnetFile: _file, ...said } = ipamOf(conf);
  return parseNetConf({
    ...conf.json,
    ipam: { ...said, type: 'host-local', ...merged(said.routes, decided) },
  });
}

function ipamOf(conf: NetConf): { readonly [field: string]: unknown } {
  return (conf.fields.raw('ipam') as { readonly [field: string]: unknown } | undefined) ?? {};
}

/** The overlay's routes come first, then those of the configuration. */
function merged(routes: unknown, decided: { readonly routes?: readonly object[] }): object {
  if (decided.routes === undefined || !Array.isArray(routes)) return decided;
  return { ...decided, routes: [...decided.routes, ...routes] };
}
