import { checkContainerSide } from '../attach/check.ts';
import { checkAdditions } from '../attach/check-additions.ts';
import { ownHostEnd, statedHostEnd } from '../attach/host-end.ts';
import { requireContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { checkHostEnd, checkHostSettings, checkLinkGroup } from './check-host.ts';
import { containerRoutes } from './container-routes.ts';
import { wireAddresses } from './gateway.ts';
import type { PointToPointParts } from './parts.ts';

/** @throws CniError code 999 naming the first thing that is not as ADD left it; code 7 without a prevResult */
export function check(call: AttachmentCall, parts: PointToPointParts): void {
  const { kind, machine, selectIpam } = parts;
  const { network, ipamCall } = kind.openCheck(call);
  const prevResult = call.conf.prevResult();
  if (prevResult === undefined) call.conf.fields.missing('prevResult');
  requireContainerNetns(call.attachment, machine);
  selectIpam(ipamCall)?.check(ipamCall);
  const { wiring } = kind;
  const ips = wireAddresses(wiring, prevResult.ips);
  const end = { name: statedHostEnd(call, prevResult), wiring, ips };
  const link = checkHostEnd(end, machine);
  const routes = containerRoutes(wiring, prevResult.routes, ips);
  checkContainerSide(call.attachment, { ...prevResult, routes }, machine);
  // What the reference has attached has its settings and rules, not ours, until it is attached again.
  if (end.name !== ownHostEnd(call)) return;
  checkHostSettings(end, machine);
  checkLinkGroup(link, network);
  checkAdditions(call, prevResult, network.checksSource || network.ipMasq, parts);
}
