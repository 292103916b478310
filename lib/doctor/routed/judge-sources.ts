import { type Verdict, warning } from '../check.ts';
import { forEach } from './for-each.ts';
import type { EndpointsEvidence, SeenEndpoint } from './seen-endpoint.ts';

/** Whether the kernel drops what a container sends from an address that is not its own. */
export function judgeSources(
  { ofAll }: EndpointsEvidence,
  endpoints: readonly SeenEndpoint[],
): readonly Verdict[] {
  if (endpoints.length === 0) return [];
  const strict = (some: readonly SeenEndpoint[]) =>
    forEach(some, { version: 'ipv4', setting: 'rp_filter', value: 1 });
  if (ofAll.rpFilter >= 2) {
    // The larger value wins, so that no link can be strict.
    const { command } = strict(endpoints);
    return [
      warning(
        'net.ipv4.conf.all.rp_filter is 2: IPv4 sources are checked loosely, and a container may send as another',
        `other links keep settings of their own: sysctl -w net.ipv4.conf.all.rp_filter=0 && ${command}`,
      ),
    ];
  }
  const unchecked = endpoints.filter(({ rpFilter }) => Math.max(rpFilter, ofAll.rpFilter) === 0);
  const loose = endpoints.filter(({ rpFilter }) => rpFilter >= 2);
  return [
    ...(unchecked.length === 0 ? [] : [lax(strict(unchecked), 'not checked')]),
    ...(loose.length === 0 ? [] : [lax(strict(loose), 'checked loosely')]),
  ];
}

function lax({ names, command }: ReturnType<typeof forEach>, how: string): Verdict {
  return warning(
    `the sources of IPv4 packets are ${how} on ${names} (rp_filter): its container may send as another`,
    command,
  );
}
