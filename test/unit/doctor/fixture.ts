import type { Verdict } from '../../../lib/doctor/check.ts';
import type { Link } from '../../../lib/iproute/parse.ts';
import type { VxlanLink } from '../../../lib/iproute/parse-vxlan.ts';
import { parseAddress } from '../../../lib/net/address.ts';
import { type Cidr, parseCidr } from '../../../lib/net/cidr.ts';

/** A host that is well: an underlay, the overlay's device, and a bridge with a container. */
export const eth0 = link('eth0', { addresses: [cidr('192.0.2.1/24')] });
export const cni0 = link('cni0', {
  kind: 'bridge',
  alias: 'fairlead/network/net',
  mtu: 1450,
  addresses: [cidr('10.5.1.1/24')],
});
export const port = link('veth0a1b2c3d', { kind: 'veth', master: 'cni0', mtu: 1450 });
export const flannel1 = vxlanLink('flannel.1');

export function link(name: string, changes: Partial<Link> = {}): Link {
  return {
    name,
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    isUp: true,
    isPromiscuous: false,
    kind: '',
    master: undefined,
    alias: '',
    addresses: [],
    vlanFiltering: false,
    port: undefined,
    ...changes,
  };
}

/** VNI 1 on port 8472 over eth0, with MTU 1450, unless it is said otherwise. */
export function vxlanLink(
  name: string,
  { vxlan, ...changes }: Partial<Omit<VxlanLink, 'vxlan'>> & { vxlan?: Partial<VxlanLink['vxlan']> } = {},
): VxlanLink {
  return {
    ...link(name, { kind: 'vxlan', mtu: 1450, addresses: [cidr('10.5.1.0/32')], ...changes }),
    vxlan: {
      vni: 1,
      port: 8472,
      local: parseAddress('192.0.2.1'),
      remote: undefined,
      outer: 'eth0',
      learning: false,
      maxAddresses: undefined,
      receiving: [],
      ...vxlan,
    },
  };
}

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no network`);
  return parsed;
}

/** What tests look at first. */
export function statesOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.map(({ state }) => state);
}

/** The verdicts that are not well, each on one line with its remedy. */
export function troublesOf(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap((verdict) =>
    'remedy' in verdict ? [`${verdict.state}: ${verdict.found} -> ${verdict.remedy}`] : [],
  );
}
