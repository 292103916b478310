import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inquireAsync } from '../../lib/exec/inquiry.ts';
import { formatAddress } from '../../lib/net/address.ts';
import { containerRoutesInquiry } from '../../plugins/agent/container-routes.ts';
import { Cluster } from '../support/cluster.ts';
import { addRouted, ipamOf, putPools, startRouted } from '../support/routed-cluster.ts';
import { RoutingHost } from '../support/routing-host.ts';
import { Underlay } from '../support/underlay.ts';
import { until } from '../support/until.ts';

test('the kernel tells which addresses are routed to containers, of both families and both link groups', async () => {
  await using underlay = await Underlay.create();
  await using host = await RoutingHost.create(underlay, 1);
  for (const address of ['10.50.0.1', 'fd00:50::2', '10.50.0.3']) await host.container(address);
  await host.ip('link set dev veth11 group 76');
  await host.ip('link set dev veth12 group 77');
  await host.ip('route add 10.50.0.64/26 dev veth11');
  await host.ip('route add blackhole 10.50.0.128/32');

  const found = await inquireAsync(containerRoutesInquiry(), host.own.run);
  expect(found.map(formatAddress)).toEqual(['10.50.0.1', 'fd00:50::2']);

  await host.ip('link del dev veth11');
  const after = await inquireAsync(containerRoutesInquiry(), host.own.run);
  expect(after.map(formatAddress)).toEqual(['fd00:50::2']);
});

test('a host whose leases are lost neither lends nor leases again what its containers have, and names them', async () => {
  await using cluster = await Cluster.create({ hosts: 2 });
  await putPools(cluster, { tiny: { cidr: '10.51.0.0/29', blockSize: 29 } });
  const [owner, borrower] = [cluster.host(1), cluster.host(2)];
  await startRouted(owner, { blocks: { spare: 1, leakInterval: '1s' } });
  const containers = [await addRouted(owner), await addRouted(owner)];
  const taken = containers.flatMap(({ addresses }) => addresses);
  await owner.stopAgent();
  renameSync(owner.rig.dataDir, `${owner.rig.dataDir}.lost`);
  await startRouted(owner, { blocks: { spare: 1, leakInterval: '1s' } });

  await startRouted(borrower, { blocks: { spare: 6 } });

  const { blocks } = await ipamOf(owner);
  const lent = blocks.flatMap(({ loans }) => loans.map(({ address }) => address));
  expect(lent.length).toBeGreaterThan(0);
  expect(lent.filter((address) => taken.includes(address))).toEqual([]);
  const names = async () =>
    (await ipamOf(owner)).problems.some((text) => text.includes(`${taken[0]} is routed to a container here`));
  await until(names, 'the problem');
  const { addresses } = await addRouted(owner);
  expect(taken).not.toContain(addresses[0]);
});
