import type { Link } from '../../iproute/parse.ts';
import { type Cidr, cidrsOverlap, formatCidr, isWithin, networkOf } from '../../net/cidr.ts';
import { orOk, problem, type Verdict, warning } from '../check.ts';
import { globalAddresses } from '../link-addresses.ts';
import type { Overlay } from '../overlay.ts';
import { shellWord } from '../shell-word.ts';
import type { SeenRoute } from './seen-routes.ts';

export type DuplicatesEvidence = {
  /** All bridges of the host, whoever made them. */
  readonly bridges: readonly Link[];
  readonly routes: readonly SeenRoute[];
  readonly overlay: Pick<Overlay, 'devices' | 'bridges' | 'networks' | 'subnets'> | undefined;
};

export function judgeDuplicates({ bridges, routes, overlay }: DuplicatesEvidence): readonly Verdict[] {
  const doubles = bridges.flatMap((bridge, index) =>
    bridges.slice(index + 1).flatMap((other) => judgeBridges(bridge, other)),
  );
  const ways = overlay === undefined ? [] : judgeRoutes(routes, overlay);
  return orOk([...doubles, ...ways], 'every network of containers is in one place only');
}

function judgeBridges(one: Link, other: Link): readonly Verdict[] {
  const pairs = networksOf(one).flatMap((mine) => networksOf(other).map((theirs) => [mine, theirs] as const));
  const [clash] = pairs.filter(([mine, theirs]) => cidrsOverlap(mine, theirs));
  if (clash === undefined) return [];
  const [mine, theirs] = clash.map(formatCidr);
  return [
    problem(
      `${one.name} has ${mine} and ${other.name} has ${theirs}: answers go to one of the two`,
      `give one network another subnet; ip link del dev ${shellWord(other.name)} removes a bridge that nobody needs`,
    ),
  ];
}

function networksOf(link: Link): readonly Cidr[] {
  return ([4, 6] as const).flatMap((family) => globalAddresses(link, family)).map(networkOf);
}

type OverlayParts = NonNullable<DuplicatesEvidence['overlay']>;

function judgeRoutes(routes: readonly SeenRoute[], overlay: OverlayParts): readonly Verdict[] {
  const devices = new Set(overlay.devices.map(({ name }) => name));
  const ours = routes.filter(({ dev }) => devices.has(dev));
  const others = routes.filter(
    (route) => !devices.has(route.dev) && !route.isMarked && route.dst.prefixLength > 0,
  );
  const second = others.filter(({ dst }) => ours.some((peer) => isWithin(dst, peer.dst)));
  const bridges = new Set(overlay.bridges.map(({ name }) => name));
  const foreign = others.filter(
    (route) => !second.includes(route) && !bridges.has(route.dev) && !isDirect(route, overlay),
  );
  return [...second.map(judgeSecond), ...foreign.flatMap((route) => judgeForeign(route, overlay.networks))];
}

/** flanneld marks none of its routes: one to a host of the same link has a subnet as long as ours, and a gateway. */
function isDirect({ dst, hasGateway }: SeenRoute, { networks, subnets }: OverlayParts): boolean {
  const isSubnet = subnets.some(({ prefixLength }) => prefixLength === dst.prefixLength);
  return hasGateway && isSubnet && networks.some((network) => isWithin(dst, network));
}

function judgeSecond({ dst, dev }: SeenRoute): Verdict {
  return problem(
    `${formatCidr(dst)} is another host's by the overlay, and there is a route to it by ${dev}, too`,
    `ip route del ${formatCidr(dst)} dev ${shellWord(dev)}, if nobody needs it; if ${dev} is a bridge whose subnet was taken over by the other host, make its containers anew`,
  );
}

function judgeForeign({ dst, dev }: SeenRoute, networks: readonly Cidr[]): readonly Verdict[] {
  const network = networks.find((each) => cidrsOverlap(each, dst));
  if (network === undefined) return [];
  const [overlays, theirs] = [formatCidr(network), formatCidr(dst)];
  const remedy = `choose another network for the overlay, or: ip route del ${theirs} dev ${shellWord(dev)}`;
  return isWithin(dst, network)
    ? [
        problem(
          `the route to ${theirs} by ${dev} cuts a part out of the overlay's network ${overlays}`,
          remedy,
        ),
      ]
    : [
        warning(
          `the overlay's network ${overlays} cuts a part out of ${theirs}, which is reached by ${dev}`,
          remedy,
        ),
      ];
}
