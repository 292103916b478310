import { describeForward } from '../iptables/forward-script.ts';
import { formatAddress } from '../net/address.ts';
import { formatCidr } from '../net/cidr.ts';
import { describeTc } from '../tc/describe.ts';
import type { Operation } from './operation.ts';

/** What an operation does, in words for an operator who reads that it failed. */
export function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'add-bridge':
      return `creating bridge ${operation.name}${operation.vlanFiltering ? vlanNeed : ''}`;
    case 'add-veth':
      return `creating the veth pair ${operation.name} and ${operation.peer.name}`;
    case 'add-vxlan':
      return `creating the VXLAN device ${operation.name} (VNI ${operation.vni}, UDP port ${operation.port}, over ${operation.outer})`;
    case 'delete-link':
      return `removing link ${operation.name}`;
    case 'delete-unused-bridge':
      return `removing bridge ${operation.name}`;
    case 'set-mac':
      return `giving ${operation.name} the MAC ${operation.mac}`;
    case 'set-mtu':
      return `giving ${operation.name} the MTU ${operation.mtu}`;
    case 'set-alias':
      return `naming the owner of ${operation.name}`;
    case 'set-master':
      return `attaching ${operation.name} to bridge ${operation.master}`;
    case 'unset-master':
      return `detaching ${operation.name} from its bridge`;
    case 'add-ifb':
      return `creating the IFB device ${operation.name} (the kernel needs CONFIG_IFB)`;
    case 'set-promiscuous':
      return `making ${operation.name} promiscuous`;
    case 'unset-promiscuous':
      return `making ${operation.name} no longer promiscuous`;
    case 'set-allmulticast':
      return `having ${operation.name} receive all multicast`;
    case 'unset-allmulticast':
      return `having ${operation.name} no longer receive all multicast`;
    case 'set-tx-queue-length':
      return `giving ${operation.name} a queue of ${operation.length} packets`;
    case 'set-vlan-filtering':
      return `switching on VLAN filtering on bridge ${operation.name}${vlanNeed}`;
    case 'set-up':
      return `setting ${operation.name} up`;
    case 'set-port':
      return `setting the port flags of ${operation.name}`;
    case 'add-address':
      return `adding ${formatCidr(operation.address)} to ${operation.link}`;
    case 'delete-address':
      return `removing ${formatCidr(operation.address)} from ${operation.link}`;
    case 'add-route':
      return `adding the route to ${formatCidr(operation.route.dst)} by ${operation.link}`;
    case 'add-host-route':
      return `adding the route to ${formatCidr(operation.dst)} by ${operation.link}`;
    case 'prepend-route':
    case 'replace-route':
      return `setting the route to ${formatCidr(operation.dst)} by ${operation.link}`;
    case 'delete-route':
      return `removing the route to ${formatCidr(operation.dst)} by ${operation.link}`;
    case 'add-blackhole':
      return `adding the blackhole ${formatCidr(operation.dst)}`;
    case 'delete-blackhole':
      return `removing the blackhole ${formatCidr(operation.dst)}`;
    case 'replace-neighbour':
      return `setting the MAC of ${formatAddress(operation.address)} on ${operation.link}`;
    case 'delete-neighbour':
      return `removing the MAC of ${formatAddress(operation.address)} on ${operation.link}`;
    case 'replace-fdb':
      return `leading ${operation.mac} on ${operation.device} to ${formatAddress(operation.dst)}`;
    case 'delete-fdb':
      return `no longer leading ${operation.mac} on ${operation.device} to ${formatAddress(operation.dst)}`;
    case 'append-flood':
      return `flooding from ${operation.device} to ${formatAddress(operation.dst)}`;
    case 'delete-flood':
      return `no longer flooding from ${operation.device} to ${formatAddress(operation.dst)}`;
    case 'add-vlan':
      return `adding port ${operation.port} to VLAN ${operation.firstId}${vlanNeed}`;
    case 'delete-vlan':
      return `removing port ${operation.port} from VLAN ${operation.firstId}`;
    case 'set-sysctl':
      return `setting /proc/sys/net/${operation.path} to ${operation.value}`;
    case 'await-addresses':
      return `waiting for the IPv6 addresses of ${operation.link}`;
    case 'accept-forwarded':
      return `having ${describeForward(operation)} let containers' traffic through`;
    case 'write-file':
      return `writing ${operation.path}`;
    case 'remove-file':
      return `removing ${operation.path}`;
    case 'forget-flows':
      return 'having conntrack forget the flows to the host ports';
    case 'create-element':
      return `taking ${operation.what}`;
    case 'add-token-bucket':
    case 'add-ingress-qdisc':
    case 'redirect-ingress':
    case 'delete-root-qdisc':
    case 'delete-ingress-qdisc':
      return describeTc(operation);
    default:
      return `writing nftables table ${operation.table.family} ${operation.table.name}`;
  }
}

const vlanNeed = ' (VLAN filtering; the kernel needs CONFIG_BRIDGE_VLAN_FILTERING)';
