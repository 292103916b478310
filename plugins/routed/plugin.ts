import { readShare } from '../../lib/blocks/share-file.ts';
import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import { unexpected } from '../../lib/cni/fields.ts';
import { type NetConf, parseNetConf } from '../../lib/cni/netconf.ts';
import { parsePointToPointConfig } from '../../lib/point-to-point/config.ts';
import type { PointToPointKind, PointToPointNetwork } from '../../lib/point-to-point/kind.ts';
import { parseSource } from './config.ts';
import { confirmLeased, openShare, shareIpam } from './share-ipam.ts';

/**
 * The plugin `routed`: a container has addresses without a network around them, and its host routes them. They are of the
 * blocks that the agent keeps for this host, or of the IPAM that the configuration names.
 */
export const routed: PointToPointKind = {
  name: 'routed',
  wiring: 'link-local-gateway',
  open: (call) => {
    const network = { ...parsePointToPointConfig(call.conf), checksSource: true };
    const source = parseSource(call.conf);
    if (source.kind === 'ipam') return { network, ipamCall: call, confirm: () => undefined };
    const share = openShare(source.path, call.conf);
    return {
      network: withMtu(network, share.mtu),
      ipamCall: withIpam(call, shareIpam(share, source.routes)),
      confirm: (leased) => confirmLeased(source.path, call.conf, leased),
    };
  },
  openRemoval: (call) => {
    const source = parseSource(call.conf);
    return { ipamCall: source.kind === 'ipam' ? call : withIpam(call, leasesOf(source.path)) };
  },
};

function withMtu(network: PointToPointNetwork, longest: number): PointToPointNetwork {
  const { mtu = longest } = network;
  if (mtu <= longest) return { ...network, mtu };
  throw unexpected('mtu', `at most ${longest}, which is what the way to the other hosts carries`, mtu);
}

function withIpam<Call extends NetworkCall>(call: Call, ipam: object): Call {
  return { ...call, conf: confWithIpam(call.conf, ipam) };
}

function confWithIpam({ json }: NetConf, ipam: object): NetConf {
  return parseNetConf({ ...json, ipam: { type: 'host-local', ...ipam } });
}

/** Where the leases are; the usual place where the share is gone or not understood, for a container must go all the same. */
function leasesOf(path: string): object {
  try {
    const share = readShare(path);
    return share === undefined ? {} : { dataDir: share.dataDir };
  } catch {
    return {};
  }
}
