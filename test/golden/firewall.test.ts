import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../lib/capability/endpoint.ts';
import { parseResult } from '../../lib/cni/result-parse.ts';
import { admissionRules } from '../../lib/firewall/admission.ts';
import { isolationRules } from '../../lib/firewall/isolation.ts';
import { renderForwardScript } from '../../lib/iptables/forward-script.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { parseNftListing } from '../../lib/nft/parse.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import { planRules, type Rules } from '../../lib/rules/rules.ts';
import { toCall } from '../support/calls.ts';
import { scriptMachine } from '../support/scripted-machine.ts';

// The exact lines that ADD hands to `nft` and to `iptables-restore`.

const result = { cniVersion: '1.1.0', ips: [{ address: '10.22.0.2/16' }, { address: 'fd00:22::2/64' }] };

const onBridge: Endpoint = {
  network: 'net',
  attachment: toCall({ type: 'firewall' }).attachment,
  hostEnd: 'veth1' as IfName,
  bridge: 'cni0' as IfName,
  mac: undefined,
  mtu: 1500,
  ips: parseResult(result, 'result', '1.1.0').ips,
};

const onOwnLink: Endpoint = { ...onBridge, bridge: undefined };

const render = (rules: Rules) =>
  renderPlan(planRules(rules, { listing: parseNftListing(''), writtenBefore: new Set() }));

describe('ingressPolicy', () => {
  test('open writes nothing', () => {
    expect(render(isolationRules('open', onBridge, scriptMachine()))).toBe('');
  });

  test('same-bridge: elements of the bridge, which stay', () => {
    expect(render(isolationRules('same-bridge', onBridge, scriptMachine()))).toMatchInlineSnapshot(`
      "# host: nft -f -
        add table inet fairlead_firewall
        add set inet fairlead_firewall kept_apart { type ifname; }
        add set inet fairlead_firewall isolated_links { type ifname . ifname; }
        add set inet fairlead_firewall open_links { type ifname . ifname; }
        add chain inet fairlead_firewall ingress_policy { type filter hook forward priority -10; comment "who may begin to talk with containers"; }
        flush chain inet fairlead_firewall ingress_policy
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links ct status dnat meta mark set mark or 0x800 comment "ingress policy bf6886d7"
        add rule inet fairlead_firewall ingress_policy ct state established,related accept comment "ingress policy d8fdc102"
        add rule inet fairlead_firewall ingress_policy ct status dnat accept comment "ingress policy 4d3fe00a"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links drop comment "ingress policy afae8f87"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @open_links accept comment "ingress policy 3c341836"
        add rule inet fairlead_firewall ingress_policy iifname @kept_apart oifname @kept_apart drop comment "ingress policy 4fdfdd6b"
        add element inet fairlead_firewall kept_apart { "cni0" }
        add element inet fairlead_firewall open_links { "cni0" . "cni0" }
        add element inet fairlead_firewall isolated_links { "cni0" . "cni0" }
        delete element inet fairlead_firewall isolated_links { "cni0" . "cni0" }"
    `);
  });

  test('isolated: the port, too, which goes with the container', () => {
    expect(render(isolationRules('isolated', onBridge, scriptMachine()))).toMatchInlineSnapshot(`
      "# host: nft -f -
        add table inet fairlead_firewall
        add table bridge fairlead
        add set inet fairlead_firewall kept_apart { type ifname; }
        add set inet fairlead_firewall isolated_links { type ifname . ifname; }
        add set inet fairlead_firewall open_links { type ifname . ifname; }
        add chain inet fairlead_firewall ingress_policy { type filter hook forward priority -10; comment "who may begin to talk with containers"; }
        flush chain inet fairlead_firewall ingress_policy
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links ct status dnat meta mark set mark or 0x800 comment "ingress policy bf6886d7"
        add rule inet fairlead_firewall ingress_policy ct state established,related accept comment "ingress policy d8fdc102"
        add rule inet fairlead_firewall ingress_policy ct status dnat accept comment "ingress policy 4d3fe00a"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links drop comment "ingress policy afae8f87"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @open_links accept comment "ingress policy 3c341836"
        add rule inet fairlead_firewall ingress_policy iifname @kept_apart oifname @kept_apart drop comment "ingress policy 4fdfdd6b"
        add element inet fairlead_firewall kept_apart { "cni0" }
        add element inet fairlead_firewall isolated_links { "cni0" . "cni0" }
        add element inet fairlead_firewall open_links { "cni0" . "cni0" }
        delete element inet fairlead_firewall open_links { "cni0" . "cni0" }
        add set bridge fairlead isolated_ports { type ifname; }
        add chain bridge fairlead between_ports { type filter hook forward priority 10; comment "isolated ports reach no other port"; }
        flush chain bridge fairlead between_ports
        add rule bridge fairlead between_ports meta mark and 0x800 == 0x800 accept comment "ingress policy 1deee641"
        add rule bridge fairlead between_ports ether type arp accept comment "ingress policy dfcd6b25"
        add rule bridge fairlead between_ports icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept comment "ingress policy 26d3762a"
        add rule bridge fairlead between_ports iifname @isolated_ports drop comment "ingress policy 98f8a01a"
        add rule bridge fairlead between_ports oifname @isolated_ports drop comment "ingress policy f60b667b"
        add element bridge fairlead isolated_ports { "veth1" comment "net/c1/eth0" }
      # undo: host: nft -f -
        delete element bridge fairlead isolated_ports { "veth1" }"
    `);
  });

  test('isolated without a bridge: all goes with the container', () => {
    expect(render(isolationRules('isolated', onOwnLink, scriptMachine()))).toMatchInlineSnapshot(`
      "# host: nft -f -
        add table inet fairlead_firewall
        add set inet fairlead_firewall kept_apart { type ifname; }
        add set inet fairlead_firewall isolated_links { type ifname . ifname; }
        add set inet fairlead_firewall open_links { type ifname . ifname; }
        add chain inet fairlead_firewall ingress_policy { type filter hook forward priority -10; comment "who may begin to talk with containers"; }
        flush chain inet fairlead_firewall ingress_policy
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links ct status dnat meta mark set mark or 0x800 comment "ingress policy bf6886d7"
        add rule inet fairlead_firewall ingress_policy ct state established,related accept comment "ingress policy d8fdc102"
        add rule inet fairlead_firewall ingress_policy ct status dnat accept comment "ingress policy 4d3fe00a"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @isolated_links drop comment "ingress policy afae8f87"
        add rule inet fairlead_firewall ingress_policy iifname . oifname @open_links accept comment "ingress policy 3c341836"
        add rule inet fairlead_firewall ingress_policy iifname @kept_apart oifname @kept_apart drop comment "ingress policy 4fdfdd6b"
        add element inet fairlead_firewall kept_apart { "veth1" comment "net/c1/eth0" }
        add element inet fairlead_firewall isolated_links { "veth1" . "veth1" comment "net/c1/eth0" }
      # undo: host: nft -f -
        delete element inet fairlead_firewall isolated_links { "veth1" . "veth1" }
        delete element inet fairlead_firewall kept_apart { "veth1" }"
    `);
  });
});

describe('what another firewall is to let through', () => {
  test('of both families', () => {
    expect(render(admissionRules(onBridge, [4, 6]))).toMatchInlineSnapshot(`
      "# host: nft -f -
        add table inet fairlead_firewall
        add set inet fairlead_firewall admitted4 { type ifname . ipv4_addr; }
        add set inet fairlead_firewall admitted6 { type ifname . ipv6_addr; }
        add chain inet fairlead_firewall admit_forwarded { type filter hook forward priority -5; comment "marks what another firewall is to let through"; }
        flush chain inet fairlead_firewall admit_forwarded
        add rule inet fairlead_firewall admit_forwarded iifname . ip saddr @admitted4 meta mark set mark or 0x1000 comment "admission e81a1a86"
        add rule inet fairlead_firewall admit_forwarded oifname . ip daddr @admitted4 ct state established,related meta mark set mark or 0x1000 comment "admission 001ef2cd"
        add rule inet fairlead_firewall admit_forwarded oifname . ip daddr @admitted4 ct status dnat meta mark set mark or 0x1000 comment "admission ebe43237"
        add rule inet fairlead_firewall admit_forwarded iifname . ip6 saddr @admitted6 meta mark set mark or 0x1000 comment "admission 6e241b78"
        add rule inet fairlead_firewall admit_forwarded oifname . ip6 daddr @admitted6 ct state established,related meta mark set mark or 0x1000 comment "admission b6c603e5"
        add rule inet fairlead_firewall admit_forwarded oifname . ip6 daddr @admitted6 ct status dnat meta mark set mark or 0x1000 comment "admission 32f4b831"
        add element inet fairlead_firewall admitted4 { "cni0" . 10.22.0.2 comment "net/c1/eth0" }
        add element inet fairlead_firewall admitted6 { "cni0" . fd00:22::2 comment "net/c1/eth0" }
      # undo: host: nft -f -
        delete element inet fairlead_firewall admitted6 { "cni0" . fd00:22::2 }
        delete element inet fairlead_firewall admitted4 { "cni0" . 10.22.0.2 }"
    `);
  });

  test('of the family that is dropped alone', () => {
    const elements = admissionRules(onOwnLink, [6]).own;

    expect(elements).toMatchObject([{ set: 'admitted6', key: ['"veth1"', 'fd00:22::2'] }]);
  });
});

describe('the script of iptables', () => {
  const policy = { drops: true, dropsAt: undefined, jumpsAt: undefined };

  test('leads to our chain last, where the policy drops', () => {
    expect(renderForwardScript(policy, false)).toMatchInlineSnapshot(`
      [
        "*filter",
        "-N FAIRLEAD-FORWARD",
        "-A FAIRLEAD-FORWARD -m mark --mark 0x1000/0x1000 -m comment --comment "containers of fairlead" -j ACCEPT",
        "-A FORWARD -j FAIRLEAD-FORWARD",
        "COMMIT",
      ]
    `);
  });

  test('leads to it before the rule that drops everything', () => {
    expect(renderForwardScript({ ...policy, dropsAt: 3 }, false).at(-2)).toBe(
      '-I FORWARD 3 -j FAIRLEAD-FORWARD',
    );
  });

  test('makes a chain anew that nobody leads to', () => {
    expect(renderForwardScript(policy, true).slice(0, 4)).toEqual([
      '*filter',
      '-F FAIRLEAD-FORWARD',
      '-X FAIRLEAD-FORWARD',
      '-N FAIRLEAD-FORWARD',
    ]);
  });

  test('moves a rule to the front that comes too late', () => {
    expect(renderForwardScript({ drops: true, dropsAt: 1, jumpsAt: 2 }, true).slice(0, 3)).toEqual([
      '*filter',
      '-D FORWARD -j FAIRLEAD-FORWARD',
      '-F FAIRLEAD-FORWARD',
    ]);
  });
});
