import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain } from '../../lib/bridge/explain.ts';
import type { Fields } from '../../lib/cni/fields.ts';
import { parseResult } from '../../lib/cni/result-parse.ts';
import type { Command } from '../../lib/exec/command.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import { vxlanOverlay } from '../../plugins/vxlan-overlay/plugin.ts';
import { toCall } from '../support/calls.ts';
import { paperRecords } from '../support/paper-records.ts';
import { scriptMachine } from '../support/scripted-machine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// The exact lines that an ADD of vxlan-overlay hands to the tools on a host: the text of `fairlead explain`.

const underlay = {
  ifname: 'eth0',
  mtu: 1500,
  address: '02:00:00:00:00:01',
  flags: ['UP'],
  addr_info: [
    { family: 'inet', local: '192.0.2.1', prefixlen: 24 },
    { family: 'inet6', local: '2001:db8:5::1', prefixlen: 64 },
  ],
};

/** A host with the interface eth0, other links that a test names, and nothing of the overlay. */
function createHost(links: readonly string[] = []) {
  const forwarding = ['eth0', ...links].map((name) => [`/proc/sys/net/ipv4/conf/${name}/forwarding`, '1']);
  const answer = ({ file, args }: Command) => {
    if (args.at(-1) === 'eth0') return { stdout: JSON.stringify([underlay]) };
    if (file === 'nft') return { status: 1 };
    return { stdout: '[]' };
  };
  return scriptMachine({ proc: { ...Object.fromEntries(forwarding), '/proc/uptime': '100.0 0' }, answer });
}

const peers = [
  {
    publicIP: '192.0.2.2',
    subnet: '10.5.2.0/24',
    publicIPv6: '2001:db8:5::2',
    ipv6Subnet: 'fd00:5:0:2::/64',
  },
  { publicIP: '198.51.100.3', subnet: '10.5.3.0/24', vtepMAC: '02:00:00:00:00:33' },
];
const v4 = { interface: 'eth0', network: '10.5.0.0/16', subnet: '10.5.1.0/24', peers };
const v6 = { ipv6Network: 'fd00:5::/48', ipv6Subnet: 'fd00:5:0:1::/64' };

const flannels = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.1.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=false
`;

type Case = {
  readonly conf?: object;
  /** What subnet.env says, where there is one. */
  readonly file?: string;
  readonly links?: readonly string[];
};

const cases: Record<string, Case> = {
  'subnet.env of flanneld': { file: flannels },
  'subnet.env where flanneld masquerades': { file: flannels.replace('MASQ=false', 'MASQ=true') },
  'subnet.env with a delegate': { file: flannels, conf: { delegate: { bridge: 'br7', hairpinMode: true } } },
  'subnet.env, layer 2': {
    file: `${flannels}FAIRLEAD_MODE=l2\nFAIRLEAD_DEVICE=vxlan.1\n`,
    links: ['vxlan.1'],
  },
  'static peers': { conf: v4 },
  'static peers, both families': { conf: { ...v4, ...v6 } },
  'static peers, direct routing': { conf: { ...v4, directRouting: true, vni: 7, port: 4789 } },
  'static peers, layer 2': { conf: { ...v4, ...v6, mode: 'l2' } },
};

test.each(Object.entries(cases))('%s', async (name, { conf, file, links }) => {
  using dir = temporaryDirectory();
  const subnetFile = `${dir.path}/subnet.env`;
  if (file !== undefined) writeFileSync(subnetFile, file);
  const call = toCall({ type: 'vxlan-overlay', ...(file === undefined ? {} : { subnetFile }), ...conf });

  const { plan } = explain(
    call,
    { kind: vxlanOverlay, machine: createHost(links), records: paperRecords(), capabilities: [] },
    ({ conf: { fields } }) => lease(fields.object('ipam')),
  );

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/vxlan-overlay, ${name}.txt`);
});

type Range = { readonly subnet: string; readonly gateway?: string; readonly rangeStart?: string };

/** What host-local would lease first: an address of each range set, and the routes of the configuration. */
function lease(ipam: Fields | undefined) {
  const ranges = ipam?.raw('ranges') as readonly (readonly [Range])[];
  const ips = ranges.map(([{ subnet, gateway, rangeStart }]) => {
    const [network = '', length = ''] = subnet.split('/');
    const first = rangeStart ?? network.replace(/0$/, '2').replace(/::$/, '::2');
    return { address: `${first}/${length}`, ...(gateway === undefined ? {} : { gateway }) };
  });
  return parseResult({ cniVersion: '1.1.0', ips, routes: ipam?.raw('routes') ?? [] }, 'leased', '1.1.0');
}
