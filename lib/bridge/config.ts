import { Fields, unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { type IfName, ifNameProblem } from '../net/ifname.ts';
import type { BridgeNetwork } from './network.ts';
import type { PortVlans } from './plan-bridge.ts';

/** What a bridge is called when the configuration does not say. */
const defaultBridge = 'cni0' as IfName;

/** @throws CniError code 7 naming the field */
export function parseBridgeConfig({ name, dns, fields }: NetConf): BridgeNetwork {
  const flag = (field: string) => fields.boolean(field) ?? false;
  const isDefaultGateway = flag('isDefaultGateway');
  const config: BridgeNetwork = {
    network: name,
    bridge: parseBridgeName(fields),
    isGateway: flag('isGateway') || isDefaultGateway,
    isDefaultGateway,
    forceAddress: flag('forceAddress'),
    ipMasq: flag('ipMasq'),
    unmasqueraded: [],
    mtu: fields.integer('mtu', { min: 0, max: 65_535 }) || undefined,
    hairpin: flag('hairpinMode'),
    promiscuous: flag('promiscMode'),
    vlans: parseVlans(fields),
    macSpoofCheck: flag('macspoofchk'),
    ipSpoofCheck: flag('ipspoofchk'),
    detectDuplicates: flag('enabledad'),
    disableContainerInterface: flag('disableContainerInterface'),
    isolated: flag('portIsolation'),
    dns,
  };
  refuseContradictions(config, fields);
  return config;
}

function parseBridgeName(fields: Fields): IfName {
  const name = fields.string('bridge') ?? '';
  if (name === '') return defaultBridge;
  const problem = ifNameProblem(name);
  if (problem === undefined) return name as IfName;
  throw unexpected('bridge', `the name of an interface (this one ${problem})`, name);
}

function refuseContradictions(config: BridgeNetwork, fields: Fields): void {
  const backend = fields.string('ipMasqBackend') ?? '';
  if (!['', 'iptables', 'nftables'].includes(backend)) {
    throw unexpected('ipMasqBackend', 'nftables or iptables (both are served by nftables)', backend);
  }
  if (config.hairpin && config.promiscuous) {
    throw contradiction(
      'hairpinMode and promiscMode cannot both be true: a promiscuous bridge would deliver twice',
    );
  }
  const hasIpam = (fields.object('ipam')?.string('type') ?? '') !== '';
  if (config.disableContainerInterface && hasIpam) {
    throw contradiction('disableContainerInterface leaves the interface down, so ipam must be empty');
  }
}

function contradiction(message: string): CniError {
  return new CniError(ErrorCode.invalidConfig, message);
}

const highestVlan = 4094;

function parseVlans(fields: Fields): PortVlans {
  const vlan = fields.integer('vlan', { min: 0, max: highestVlan }) ?? 0;
  const tagged = fields.array('vlanTrunk', parseTrunk) ?? [];
  if (vlan !== 0 && tagged.length > 0) {
    throw contradiction(
      'vlan and vlanTrunk cannot both be set: a port is untagged in one VLAN or a trunk of several',
    );
  }
  return {
    untagged: vlan === 0 ? undefined : vlan,
    tagged: tagged.flat(),
    keepDefault: fields.boolean('preserveDefaultVlan') ?? true,
  };
}

/** `{"id": 100}` or `{"minID": 100, "maxID": 200}` or both. */
function parseTrunk(item: unknown, path: string): { firstId: number; lastId: number }[] {
  const fields = new Fields(item, path);
  const limits = { min: 0, max: highestVlan };
  const id = fields.integer('id', limits) ?? 0;
  const firstId = fields.integer('minID', limits) ?? 0;
  const lastId = fields.integer('maxID', limits) ?? 0;
  if (id === 0 && firstId === 0 && lastId === 0) throw unexpected(path, 'id, or minID and maxID', item);
  if ((firstId === 0) !== (lastId === 0) || firstId > lastId) {
    throw unexpected(path, 'minID and maxID together, minID not above maxID', item);
  }
  return [
    ...(id === 0 ? [] : [{ firstId: id, lastId: id }]),
    ...(firstId === 0 ? [] : [{ firstId, lastId }]),
  ];
}
