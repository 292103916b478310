import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import type { Run } from '../../exec/command.ts';
import { type Inquiry, inquireAsync, outputOf } from '../../exec/inquiry.ts';
import { parseExactRoutes } from '../../iproute/parse-vxlan.ts';
import { type Cidr, cidrsOverlap, formatCidr, isWithin } from '../../net/cidr.ts';
import type { ExactRoute } from '../../plan/operation.ts';
import type { NetworkConfig } from '../lease/network-config.ts';
import { type LeaseTable, subnetsByName } from '../lease/table.ts';
import type { OverlaySettings } from '../settings.ts';
import { readRemembered } from '../subnet-env/remembered.ts';
import { deviceName } from './planes.ts';
import { isOverlayProtocol } from './wish.ts';

/** What of the host's routes belongs to the overlay. */
export type OwnRoutes = {
  /** The overlay's devices; in mode l2 the bridge, too, whose network is the whole overlay. */
  readonly links: ReadonlySet<string>;
  /** Subnets of this host and of others, by whatever interface they are reached. */
  readonly subnets: readonly Cidr[];
};

/** What of the host is compared with an overlay that it is about to join. */
export type Joining = {
  readonly settings: Pick<OverlaySettings, 'mode' | 'bridge' | 'stateFile'>;
  readonly table: LeaseTable;
  readonly run: Run;
};

/** @throws CniError code 7 where the overlay's network overlaps with a route of this host */
export async function checkOverlap(
  { ranges, backend }: NetworkConfig,
  { settings, table, run }: Joining,
): Promise<void> {
  const remembered = readRemembered(settings.stateFile);
  const subnets = [...subnetsByName(table).values(), remembered].flatMap((each) => Object.values(each));
  for (const { network } of Object.values(ranges)) {
    const device = deviceName(settings.mode, network.address.family, backend.vni);
    const links = new Set<string>(settings.mode === 'l2' ? [device, settings.bridge] : [device]);
    const found = await inquireAsync(findOverlap(network, { links, subnets }), run);
    if (found !== undefined) throw new CniError(ErrorCode.invalidConfig, found);
  }
}

/**
 * A route that the overlay's network would cut off, or that would cut off a part of it: an address would mean a
 * container here and another machine there.
 * @returns a sentence for the operator; undefined where there is none
 */
export function* findOverlap(network: Cidr, own: OwnRoutes): Inquiry<string | undefined> {
  const { family } = network.address;
  const show = [`-${family}`, '-N', '-j', 'route', 'show'];
  return overlapAmong(network, parseExactRoutes(yield* outputOf('ip', show), { family }), own);
}

/** The same of routes that are known. */
export function overlapAmong(
  network: Cidr,
  routes: readonly Pick<ExactRoute, 'link' | 'dst' | 'protocol'>[],
  { links, subnets }: OwnRoutes,
): string | undefined {
  const found = routes.find(
    ({ link, dst, protocol }) =>
      dst.prefixLength > 0 &&
      !isOverlayProtocol(protocol) &&
      cidrsOverlap(dst, network) &&
      !links.has(link) &&
      !subnets.some((subnet) => isWithin(dst, subnet)),
  );
  if (found === undefined) return undefined;
  return (
    `the overlay's network ${formatCidr(network)} overlaps with the route to ${formatCidr(found.dst)} by ${found.link}: ` +
    'give the overlay another network, or remove the route'
  );
}
