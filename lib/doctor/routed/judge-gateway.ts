import { problem, type Verdict, warning } from '../check.ts';
import { forEach } from './for-each.ts';
import type { EndpointsEvidence, SeenEndpoint } from './seen-endpoint.ts';

const own = 'ip address replace 169.254.1.1/32 dev lo scope host';

/**
 * Whether containers learn the MAC of 169.254.1.1. It is answered for as an address of the host or, where the host has it
 * not, by proxy ARP, which is silent about what the host has no route to.
 */
export function judgeGateway(
  { gateway: { isOwn, isCovered }, ofAll }: EndpointsEvidence,
  endpoints: readonly SeenEndpoint[],
): readonly Verdict[] {
  if (endpoints.length === 0) return [];
  if (isOwn) return [...judgeIgnorance(ofAll, endpoints), ...judgeProxy(endpoints, warning)];
  if (isCovered) return judgeProxy(endpoints, problem);
  return [
    problem(
      'this host has neither the address 169.254.1.1 nor a route to it: proxy ARP is silent, and containers do not find their gateway',
      own,
    ),
  ];
}

/** Of an address of lo, every value but 0 makes ARP on other links keep silent; proxy ARP is then not asked. */
function judgeIgnorance(
  ofAll: EndpointsEvidence['ofAll'],
  endpoints: readonly SeenEndpoint[],
): readonly Verdict[] {
  const deaf = endpoints.filter(({ arpIgnore }) => arpIgnore !== 0);
  if (ofAll.arpIgnore !== 0)
    return [
      problem(
        `net.ipv4.conf.all.arp_ignore is ${ofAll.arpIgnore}: ARP is not answered for 169.254.1.1, which is an address of lo`,
        'kube-proxy sets it where its strictARP is on: sysctl -w net.ipv4.conf.all.arp_ignore=0',
      ),
    ];
  if (deaf.length === 0) return [];
  const { names, command } = forEach(deaf, { version: 'ipv4', setting: 'arp_ignore', value: 0 });
  return [problem(`arp_ignore is set on ${names}: ARP is not answered there for 169.254.1.1`, command)];
}

function judgeProxy(
  endpoints: readonly SeenEndpoint[],
  toVerdict: typeof problem | typeof warning,
): readonly Verdict[] {
  const silent = endpoints.filter(({ hasProxyArp }) => !hasProxyArp);
  if (silent.length === 0) return [];
  const { names, command } = forEach(silent, { version: 'ipv4', setting: 'proxy_arp', value: 1 });
  const consequence =
    toVerdict === problem
      ? 'containers do not find their gateway'
      : 'the gateway answers only while 169.254.1.1 is an address of lo';
  return [toVerdict(`proxy ARP is off on ${names}: ${consequence}`, command)];
}
