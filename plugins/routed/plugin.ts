import { readShare } from '../../lib/blocks/share/share-file.ts';
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
    const network = parseNetwork(call.conf);
    const source = parseSource(call.conf);
    if (source.kind === 'ipam') return { network, ipamCall: call, confirm: () => undefined };
    const share = openShare(source.path, call.conf);
    return {
      network: withMtu(network, share.mtu),
      ipamCall: withIpam(call, shareIpam(share, source.routes)),
      confirm: (leased) => confirmLeased(source.path, call.conf, leased),
    };
  },
  openCheck: (call) => ({ network: parseNetwork(call.conf), ipamCall: toLeases(call) }),
  openRemoval: (call) => ({ ipamCall: toLeases(call) }),
};

function parseNetwork(conf: NetConf): PointToPointNetwork {
  return { ...parsePointToPointConfig(conf), checksSource: true };
}

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

/** The call as IPAM needs it for what is leased already. */
function toLeases<Call extends NetworkCall>(call: Call): Call {
  const source = parseSource(call.conf);
  if (source.kind === 'ipam') return call;
  const dataDir = toldDataDir(source.path) ?? source.dataDir;
  return withIpam(call, dataDir === undefined ? {} : { dataDir });
}

/** Undefined where the share is gone or not understood: a container must go all the same. */
function toldDataDir(path: string): string | undefined {
  try {
    return readShare(path)?.dataDir;
  } catch {
    return undefined;
  }
}
