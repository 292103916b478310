import type { VxlanLink } from '../../../lib/iproute/parse-vxlan.ts';
import { formatAddress } from '../../../lib/net/address.ts';
import { cidrContains, formatCidr } from '../../../lib/net/cidr.ts';
import type { ObservedPlane } from '../../../lib/overlay/kernel/observe.ts';
import type {
  ExactRoute,
  FdbEntry,
  FloodEntry,
  Neighbour,
  Operation,
  Plan,
} from '../../../lib/plan/operation.ts';
import { cidr } from '../../support/overlay-planes.ts';

/**
 * As much of the kernel as the plan of a plane touches, with what the kernel does unasked: what goes with a device,
 * with its MAC, with its last address; and what it refuses. The integration test holds the same walk against the kernel.
 */
export class KernelModel {
  device: VxlanLink | undefined;
  readonly neighbours = new Map<string, Neighbour>();
  readonly fdb = new Map<string, FdbEntry>();
  readonly flood = new Map<string, FloodEntry>();
  readonly routes = new Map<string, ExactRoute>();

  observe(): ObservedPlane {
    const { device, neighbours, fdb, flood, routes } = this;
    return {
      vxlans: device === undefined ? [] : [device],
      device,
      neighbours: [...neighbours.values()],
      fdb: [...fdb.values()],
      flood: [...flood.values()],
      routes: [...routes.values()],
    };
  }

  /** @throws Error where the kernel would refuse an operation */
  apply(plan: Plan): void {
    for (const { operation } of plan) this.#carryOut(operation);
  }

  #carryOut(operation: Operation): void {
    switch (operation.kind) {
      case 'add-vxlan':
        this.#addDevice(operation);
        return;
      case 'delete-link':
        this.deleteDevice();
        return;
      case 'replace-neighbour':
        this.#put(this.neighbours, formatAddress(operation.address), without(operation));
        return;
      case 'delete-neighbour':
        remove(this.neighbours, formatAddress(operation.address));
        return;
      case 'replace-fdb':
        this.#put(this.fdb, operation.mac, without(operation));
        return;
      case 'delete-fdb':
        remove(this.fdb, operation.mac);
        return;
      case 'append-flood':
        this.#put(this.flood, formatAddress(operation.dst), without(operation));
        return;
      case 'delete-flood':
        remove(this.flood, formatAddress(operation.dst));
        return;
      case 'prepend-route':
        this.#prependRoute(without(operation));
        return;
      case 'replace-route':
        this.#replaceRoute(without(operation));
        return;
      case 'delete-route':
        remove(this.routes, routeKey(operation));
        return;
      default:
        this.#change(operation);
        return;
    }
  }

  deleteDevice(): void {
    const { name } = this.#needDevice();
    this.device = undefined;
    for (const table of [this.neighbours, this.fdb, this.flood]) table.clear();
    this.#dropRoutes(name);
  }

  setDown(): void {
    this.device = { ...this.#needDevice(), isUp: false };
    this.neighbours.clear();
    this.#dropRoutes(this.device.name);
  }

  #addDevice(operation: Extract<Operation, { kind: 'add-vxlan' }>): void {
    if (this.device !== undefined) throw new Error(`${operation.name}: File exists`);
    const { name, mac, mtu, vni, port, local, outer, learning, maxAddresses } = operation;
    this.device = {
      ...{ name, mac, mtu, master: undefined, alias: '', port: undefined },
      ...{ isUp: false, isPromiscuous: false, kind: 'vxlan', vlanFiltering: false },
      addresses: [cidr('fe80::1/64')],
      vxlan: { vni, port, local, outer, learning, maxAddresses, remote: undefined, receiving: [] },
    };
  }

  #change(operation: Operation): void {
    const device = this.#needDevice();
    switch (operation.kind) {
      case 'set-mtu':
        this.device = { ...device, mtu: operation.mtu };
        return;
      case 'set-mac':
        this.neighbours.clear();
        this.device = { ...device, mac: operation.mac };
        return;
      case 'set-alias':
        this.device = { ...device, alias: operation.alias };
        return;
      case 'set-master':
        this.device = { ...device, master: operation.master };
        return;
      case 'unset-master':
        this.device = { ...device, master: undefined };
        return;
      case 'set-up':
        this.device = { ...device, isUp: true };
        return;
      case 'add-address':
        this.device = { ...device, addresses: [...device.addresses, operation.address] };
        return;
      case 'delete-address':
        this.#deleteAddress(device, formatCidr(operation.address));
        return;
      case 'set-sysctl':
        return;
      default:
        throw new Error(`the model has no ${operation.kind}`);
    }
  }

  /** With its last IPv4 address a device loses its routes and neighbours. */
  #deleteAddress(device: VxlanLink, address: string): void {
    const addresses = device.addresses.filter((each) => formatCidr(each) !== address);
    this.device = { ...device, addresses };
    if (device.vxlan.local?.family === 6 || addresses.some(({ address: { family } }) => family === 4)) return;
    this.neighbours.clear();
    this.#dropRoutes(device.name);
  }

  /** The kernel has both afterwards, which is none of the plan's intents. */
  #prependRoute(route: ExactRoute): void {
    if (this.routes.has(routeKey(route))) throw new Error(`${routeKey(route)}: there is one of ours already`);
    this.#replaceRoute(route);
  }

  /** IPv6 refuses a gateway to which another interface leads, `onlink` or not. */
  #replaceRoute(route: ExactRoute): void {
    const { via, link, isOnLink } = route;
    if (link === this.device?.name && !this.device.isUp) throw new Error(`${link}: Network is down`);
    if (via?.family === 6 && isOnLink) {
      const [best] = [...this.routes.values()]
        .filter(({ dst }) => cidrContains(dst, via))
        .sort((one, other) => other.dst.prefixLength - one.dst.prefixLength);
      if (best !== undefined && best.link !== link) throw new Error(`${formatAddress(via)}: device mismatch`);
    }
    this.routes.set(routeKey(route), route);
  }

  #put<T>(table: Map<string, T>, key: string, entry: T): void {
    this.#needDevice();
    table.set(key, entry);
  }

  #dropRoutes(link: string): void {
    for (const [key, route] of this.routes) if (route.link === link) this.routes.delete(key);
  }

  #needDevice(): VxlanLink {
    if (this.device === undefined) throw new Error('Cannot find device');
    return this.device;
  }
}

function routeKey({ dst, metric }: ExactRoute): string {
  return `${formatCidr(dst)} ${metric}`;
}

function remove(table: Map<string, unknown>, key: string): void {
  if (!table.delete(key)) throw new Error(`${key}: No such file or directory`);
}

function without<T extends { readonly kind: string }>({ kind: _, ...entry }: T): Omit<T, 'kind'> {
  return entry;
}
