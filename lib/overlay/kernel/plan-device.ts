import { sysctls } from '../../attach/endpoint.ts';
import type { VxlanLink } from '../../iproute/parse-vxlan.ts';
import { isSameAddress } from '../../net/address.ts';
import { type Cidr, cidrContains, formatCidr } from '../../net/cidr.ts';
import type { Operation } from '../../plan/operation.ts';
import type { DeviceWish } from './wish.ts';

/** Makes the device, makes it anew where the kernel allows no change, or corrects it. */
export function planDevice(wish: DeviceWish, found: VxlanLink | undefined): readonly Operation[] {
  if (found === undefined) return planCreation(wish);
  if (isToBeMadeAnew(wish, found)) return [{ kind: 'delete-link', name: wish.name }, ...planCreation(wish)];
  return planCorrection(wish, found);
}

/** Whether the device differs in what it keeps as long as it lives. */
export function isToBeMadeAnew(wish: DeviceWish, { vxlan }: VxlanLink): boolean {
  const { vni, port, local, outer, learning, maxAddresses, remote, receiving } = vxlan;
  const isSame =
    vni === wish.vni &&
    port === wish.port &&
    local !== undefined &&
    isSameAddress(local, wish.local) &&
    outer === wish.outer &&
    learning === wish.learning &&
    maxAddresses === wish.maxAddresses;
  return !isSame || remote !== undefined || receiving.length > 0;
}

/** No router advertisement that comes through the overlay is to configure this host. */
function planCreation(wish: DeviceWish): readonly Operation[] {
  const { name, mac, mtu, vni, port, local, outer, learning, maxAddresses, alias, address, master } = wish;
  return [
    { kind: 'add-vxlan', name, mac, mtu, vni, port, local, outer, learning, maxAddresses },
    { kind: 'set-alias', name, alias },
    ...sysctls('ipv6', name, { accept_ra: '0' }).map((setting) => ({ ...setting, ifPresent: true })),
    ...(master === undefined ? [] : [{ kind: 'set-master', name, master } as const]),
    ...(address === undefined ? [] : [addAddress(wish, address)]),
    { kind: 'set-up', name },
  ];
}

function planCorrection(wish: DeviceWish, found: VxlanLink): readonly Operation[] {
  const { name, mtu, mac, alias } = wish;
  return [
    ...(found.mtu === mtu ? [] : [{ kind: 'set-mtu', name, mtu } as const]),
    ...(found.mac === mac ? [] : [{ kind: 'set-mac', name, mac } as const]),
    ...(found.alias === alias ? [] : [{ kind: 'set-alias', name, alias } as const]),
    ...correctMaster(wish, found),
    ...correctAddresses(wish, found),
    ...(found.isUp ? [] : [{ kind: 'set-up', name } as const]),
  ];
}

function correctMaster({ name, master }: DeviceWish, found: VxlanLink): readonly Operation[] {
  if (found.master === master) return [];
  return [master === undefined ? { kind: 'unset-master', name } : { kind: 'set-master', name, master }];
}

/** The kernel gives every device an address of these. */
const linkLocal: Cidr = { address: { family: 6, bits: 0xfe80n << 112n }, prefixLength: 10 };

/** The new address first: with its last IPv4 address a device loses its routes and neighbours. */
function correctAddresses(wish: DeviceWish, found: VxlanLink): readonly Operation[] {
  const { name, address, family } = wish;
  const isWished = (each: Cidr) => address !== undefined && formatCidr(each) === formatCidr(address);
  const ours = found.addresses.filter(
    (each) => each.address.family === family && !cidrContains(linkLocal, each.address),
  );
  return [
    ...(address === undefined || ours.some(isWished) ? [] : [addAddress(wish, address)]),
    ...ours
      .filter((each) => !isWished(each))
      .map(
        (each) => ({ kind: 'delete-address', link: name, address: each, detectDuplicates: false }) as const,
      ),
  ];
}

/** Nobody else can have the address: the subnet is this host's. */
function addAddress({ name }: DeviceWish, address: Cidr): Operation {
  return { kind: 'add-address', link: name, address, detectDuplicates: false };
}
