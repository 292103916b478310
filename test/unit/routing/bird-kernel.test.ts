import { describe, expect, test } from 'vitest';
import { parseTableRoutes } from '../../../lib/iproute/parse-routes.ts';
import { compareTable } from '../../../lib/routing/bird/kernel.ts';
import { wantedOf } from '../../../lib/routing/wanted.ts';
import { type ClusterHost, reachabilityOf } from '../../support/routing.ts';

const hosts: readonly ClusterHost[] = [1, 2, 3].map((number) => ({ number }));
const onLink = { dst: '192.0.2.0/24', dev: 'eth0', protocol: '2' };
const learned = (dst: string, gateway: string) => ({ dst, gateway, dev: 'eth0', protocol: '12' });
const well = [onLink, learned('10.50.2.0/26', '192.0.2.2'), learned('10.50.3.0/26', '192.0.2.3')];

/** What host 1 says of its main table. */
function problemsWith(
  routes: readonly object[],
  { members = hosts, containers = {} }: { members?: typeof hosts; containers?: Record<string, string> } = {},
): readonly string[] {
  const reachability = reachabilityOf(1, members);
  const kernel = {
    routes: parseTableRoutes(JSON.stringify(routes), 4),
    containers: new Map(Object.entries(containers)),
  };
  return compareTable(wantedOf(reachability), reachability.own, kernel).problems;
}

describe('a table of BIRD’s routes', () => {
  test('in which all lead to those that have the blocks is well', () => {
    expect(problemsWith(well)).toEqual([]);
  });

  test('in which one leads to another host names both', () => {
    const problems = problemsWith([...well.slice(0, 2), learned('10.50.3.0/26', '192.0.2.2')]);

    expect(problems).toEqual([
      expect.stringContaining(
        '10.50.3.0/26 is of the host node-3 (192.0.2.3), but BIRD has learned that it is reached by the host node-2 at 192.0.2.2',
      ),
    ]);
  });

  test('in which one leads to a stranger, beside its host, too, names its address', () => {
    const nexthops = ['192.0.2.3', '192.0.2.66'].map((gateway) => ({ gateway, dev: 'eth0' }));

    const problems = problemsWith([...well.slice(0, 2), { dst: '10.50.3.0/26', protocol: '12', nexthops }]);

    expect(problems).toEqual([
      expect.stringContaining('is reached by 192.0.2.66: find out who announces it'),
    ]);
  });

  test('in which one leads to the router behind which its host is, is well', () => {
    const members = [{ number: 1 }, { number: 2, addresses: ['203.0.113.2'] }];
    const byRouter = [
      { dst: 'default', gateway: '192.0.2.250', dev: 'eth0', protocol: '4' },
      { dst: '203.0.113.0/24', gateway: '192.0.2.254', dev: 'eth0', protocol: '4' },
    ];

    const led = (gateway: string) =>
      problemsWith([onLink, ...byRouter, learned('10.50.2.0/26', gateway)], { members });

    expect(led('192.0.2.254')).toEqual([]);
    expect(led('192.0.2.250')).toEqual([expect.stringContaining('reached by 192.0.2.250')]);
  });

  test('in which a container here has an address that is another host’s names the container', () => {
    const members = [{ number: 1 }, { number: 2, lent: { '10.50.2.7': 3 } }, { number: 3 }];
    const stale = { dst: '10.50.2.7', dev: 'veth7', scope: '253' };

    const problems = problemsWith([...well, stale], {
      members,
      containers: { veth7: 'fairlead/net/c1/eth0' },
    });

    expect(problems).toEqual([
      expect.stringContaining('leads to the container fairlead/net/c1/eth0 on this host'),
    ]);
  });
});
