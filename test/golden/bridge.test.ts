import { expect, test } from 'vitest';
import { wholePlan } from '../../lib/attach/carry-out.ts';
import { parseRequestedMac } from '../../lib/attach/requested-mac.ts';
import { parseBridgeConfig } from '../../lib/bridge/config.ts';
import { masqueradeOf } from '../../lib/bridge/network.ts';
import { type Observed, planAdd } from '../../lib/bridge/plan-add.ts';
import { parseResult } from '../../lib/cni/result-parse.ts';
import type { Link } from '../../lib/iproute/parse.ts';
import { masqueradeChain } from '../../lib/masquerade/masquerade.ts';
import { parseCidr } from '../../lib/net/cidr.ts';
import { emptyListing, type NftListing, parseNftListing } from '../../lib/nft/parse.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import { nothingAdded } from '../support/additions.ts';
import { toCall } from '../support/calls.ts';

// The exact lines that ADD hands to `ip`, `bridge` and `nft`, and their undo: the text of `fairlead explain`.

const nothing: Observed = {
  bridge: undefined,
  vlanGateway: undefined,
  forwards: [],
  uplink: [],
  hostSeed: 'golden',
};

const leased = (...addresses: string[]) =>
  parseResult({ cniVersion: '1.1.0', ips: addresses.map((address) => ({ address })) }, 'leased', '1.1.0');

const bridge = (...addresses: string[]): Link => ({
  name: 'cni0',
  mac: '02:00:00:00:00:aa',
  mtu: 1500,
  isUp: true,
  isPromiscuous: false,
  kind: 'bridge',
  master: undefined,
  alias: '',
  addresses: addresses.flatMap((address) => parseCidr(address) ?? []),
  vlanFiltering: false,
  port: undefined,
});

const v4 = leased('10.22.0.2/16');
const dual = leased('10.22.0.2/16', 'fd00:22::2/64');

type Case = {
  conf: object;
  ips?: ReturnType<typeof leased>;
  observed?: Partial<Observed>;
  listing?: NftListing;
};

const cases: Record<string, Case> = {
  'layer 2 only': { conf: {}, ips: leased() },
  'first ADD of a gateway network': { conf: { isDefaultGateway: true } },
  'later ADD of a gateway network': {
    conf: { isDefaultGateway: true },
    observed: { bridge: bridge('10.22.0.1/16'), forwards: [4] },
  },
  'dual stack with masquerade': { conf: { isDefaultGateway: true, ipMasq: true }, ips: dual },
  'masquerade that stands is not written again': {
    conf: { isDefaultGateway: true, ipMasq: true },
    observed: { bridge: bridge('10.22.0.1/16'), forwards: [4] },
    listing: standingMasquerade(),
  },
  'spoof checks': { conf: { macspoofchk: true, ipspoofchk: true }, ips: dual },
  'hairpin and isolation': { conf: { hairpinMode: true, portIsolation: true } },
  'promiscuous bridge with an MTU': { conf: { promiscMode: true, mtu: 9000 } },
  'requested MAC': { conf: { runtimeConfig: { mac: '02:11:22:33:44:55' } } },
  'duplicate address detection': { conf: { enabledad: true }, ips: dual },
  'a second address of the operator beside the gateway': {
    conf: { isGateway: true, forceAddress: true },
    observed: { bridge: bridge('192.168.5.1/24', '10.22.0.1/16'), forwards: [4] },
  },
  'forced gateway address': {
    conf: { isGateway: true, forceAddress: true },
    observed: { bridge: bridge('10.99.0.1/16'), forwards: [4] },
  },
  'untagged VLAN with a gateway': { conf: { vlan: 100, isGateway: true, preserveDefaultVlan: false } },
  'VLAN trunk': {
    conf: { vlanTrunk: [{ id: 101 }, { minID: 200, maxID: 299 }] },
    observed: { bridge: bridge() },
  },
  'container interface left down': { conf: { disableContainerInterface: true }, ips: leased() },
};

test.each(Object.entries(cases))(
  '%s',
  async (name, { conf, ips = v4, observed = {}, listing = emptyListing }) => {
    const call = toCall(conf);
    const request = {
      network: parseBridgeConfig(call.conf),
      attachment: call.attachment,
      mac: parseRequestedMac(call.conf, call.attachment),
      leased: ips,
      additionsAt: () => nothingAdded,
    };

    const prepared = planAdd(request, { ...nothing, ...observed });
    const plan = wholePlan(prepared, { listing, writtenBefore: new Set() });

    await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/bridge, ${name}.txt`);
  },
);

/** What `nft -j list chain` prints when the network's masquerade is as we would write it. */
function standingMasquerade() {
  const config = parseBridgeConfig(toCall({ ipMasq: true }).conf);
  const masquerade = masqueradeOf(
    config,
    v4.ips.map(({ address }) => address),
  );
  const chains = masquerade === undefined ? [] : [masqueradeChain(masquerade)];
  const nftables = chains.flatMap(({ chain, rules }) =>
    rules.map(({ comment }) => ({ rule: { family: 'inet', table: 'fairlead', chain, comment } })),
  );
  return parseNftListing(JSON.stringify({ nftables }));
}
