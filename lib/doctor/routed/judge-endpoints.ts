import type { Family } from '../../net/address.ts';
import { orOk, problem, skipped, type Verdict } from '../check.ts';
import { forEach } from './for-each.ts';
import { judgeGateway } from './judge-gateway.ts';
import { judgeSources } from './judge-sources.ts';
import { noRouted } from './no-routed.ts';
import type { EndpointsEvidence, SeenEndpoint } from './seen-endpoint.ts';

const families = [4, 6] as const;

export function judgeEndpoints(evidence: EndpointsEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noRouted;
  const { isOn, endpoints } = evidence;
  if (endpoints.length === 0) return [skipped('no container with a link of its own here yet')];
  const routed = endpoints.filter(({ wiring }) => wiring === 'link-local-gateway');
  const ofFamily = (family: Family, some: readonly SeenEndpoint[]) =>
    some.filter((endpoint) => endpoint.families.includes(family));
  const verdicts = [
    ...families.flatMap((family) => judgeSwitch(family, isOn[family], ofFamily(family, endpoints))),
    ...families.flatMap((family) => judgeLinks(family, endpoints)),
    ...judgeGateway(evidence, ofFamily(4, routed)),
    ...judgeSources(evidence, ofFamily(4, routed)),
  ];
  return orOk(verdicts, `${endpoints.length} with a link of their own: forwarded, and their gateway answers`);
}

const switches = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const;

function judgeSwitch(family: Family, isOn: boolean, concerned: readonly SeenEndpoint[]): readonly Verdict[] {
  if (isOn || concerned.length === 0) return [];
  const setting = switches[family];
  return [
    problem(
      `${setting} is 0: IPv${family} packets to ${concerned.length} containers end here`,
      `sysctl -w ${setting}=1; and in a file of /etc/sysctl.d, so that it holds after a boot`,
    ),
  ];
}

function judgeLinks(family: Family, endpoints: readonly SeenEndpoint[]): readonly Verdict[] {
  const closed = endpoints.filter((endpoint) => endpoint.closed.includes(family));
  if (closed.length === 0) return [];
  const { names, command } = forEach(closed, { version: `ipv${family}`, setting: 'forwarding', value: 1 });
  return [
    problem(`forwarding of IPv${family} is off on ${names}: what its container sends ends here`, command),
  ];
}
