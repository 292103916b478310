import type { IfName } from '../net/ifname.ts';
import type { NetlinkRequest } from '../netlink/message.ts';
import type { IpOperation } from '../plan/operation.ts';
import { encodeAddress } from './address.ts';
import { changeLink, setMaster } from './change.ts';
import { addIfb, addVeth, deleteLink } from './link.ts';
import { encodeNeighbour } from './neighbour.ts';
import type { Numbers } from './numbers.ts';
import { setPort } from './port.ts';
import { blackhole, containerRoute, exactRoute, hostRoute } from './route.ts';

/**
 * The message that `ip` sends to rtnetlink for the line of an operation, byte for byte. Undefined for what only `ip` is to
 * do: what happens once for a network, what it refuses, and what is of a link or a namespace that is not there.
 */
export function encodeOperation(operation: IpOperation, numbers: Numbers): NetlinkRequest | undefined {
  const on: OnLink = (link, encode) => {
    const index = numbers.indexOf(link);
    return index === undefined ? undefined : encode(index);
  };
  switch (operation.kind) {
    case 'add-bridge':
    case 'add-vxlan':
    case 'set-vlan-filtering':
      return undefined;
    case 'add-veth':
      return addVeth(operation, numbers);
    case 'add-ifb':
      return addIfb(operation);
    case 'add-blackhole':
    case 'delete-blackhole':
      return blackhole(operation);
    default:
      return 'link' in operation ? encodeOnLink(operation, on) : encodeOfLink(operation, on);
  }
}

/** Encodes with the number of a link, where there is that link. */
type OnLink = (
  link: IfName,
  encode: (index: number) => NetlinkRequest | undefined,
) => NetlinkRequest | undefined;

/** Operations about what a link has. */
type OperationOnLink = Extract<IpOperation, { link: IfName }>;

function encodeOnLink(operation: OperationOnLink, on: OnLink): NetlinkRequest | undefined {
  switch (operation.kind) {
    case 'add-address':
    case 'delete-address':
      return on(operation.link, (index) => encodeAddress(operation, index));
    case 'add-route':
      return on(operation.link, (index) => containerRoute(operation.route, index));
    case 'add-host-route':
      return on(operation.link, (index) => hostRoute(operation, index));
    case 'prepend-route':
    case 'replace-route':
    case 'delete-route':
      return on(operation.link, (index) => exactRoute(operation, index));
    case 'replace-neighbour':
    case 'delete-neighbour':
      return on(operation.link, (index) => encodeNeighbour(operation, index));
  }
}

/** Operations about a link that is there. */
type OperationOfLink = Exclude<
  Extract<IpOperation, { name: IfName }>,
  { kind: 'add-bridge' | 'add-vxlan' | 'set-vlan-filtering' | 'add-veth' | 'add-ifb' }
>;

function encodeOfLink(operation: OperationOfLink, on: OnLink): NetlinkRequest | undefined {
  switch (operation.kind) {
    case 'delete-link':
      return on(operation.name, deleteLink);
    case 'set-port':
      return on(operation.name, (index) => setPort(operation, index));
    case 'set-master':
      return on(operation.master, (master) => on(operation.name, (index) => setMaster(master, index)));
    default:
      return on(operation.name, (index) => changeLink(operation, index));
  }
}
