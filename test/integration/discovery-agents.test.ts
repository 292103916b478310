import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, type Host } from '../support/cluster.ts';
import type { Conf } from '../support/rig.ts';
import { until } from '../support/until.ts';

const web = 'web.default.svc.fairlead.internal';
const ttlMs = 3_000;

let cluster: Cluster;
let one: Host;
let other: Host;

beforeAll(async () => {
  cluster = await Cluster.create({ hosts: 2 });
  [one, other] = [cluster.host(1), cluster.host(2)];
  await Promise.all([startAgent(one), startAgent(other)]);
});

afterAll(() => cluster[Symbol.asyncDispose]());

/** An agent that shares names, and nothing else. */
async function startAgent(host: Host): Promise<void> {
  await host.startAgent({ overlay: undefined, discovery: { ttl: `${ttlMs}ms` } });
}

/** A network of one host, of the same name on each; its containers are the service `web`. */
function confOf(host: Host): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'blue',
    type: 'bridge',
    bridge: 'br-blue',
    isGateway: true,
    ipam: { type: 'host-local', subnet: `10.61.${host.number}.0/24`, dataDir: host.rig.dataDir },
    registry: { store: host.rig.store, service: 'web' },
  };
}

/** The addresses of the service as a host's agent answers, once they are as many. @returns how long that took */
async function foundAt(host: Host, ...addresses: readonly string[]): Promise<number> {
  const begin = performance.now();
  let answered: readonly string[] = [];
  await until(
    async () => {
      answered = await host.agent.dig(web);
      return answered.join() === addresses.toSorted().join();
    },
    `host ${host.number} to find ${addresses.join()}; it finds `,
    () => answered.join(),
  );
  return performance.now() - begin;
}

test('a container is found on another host within a second of its ADD, and not any more after its DEL', async () => {
  const container = await one.attach(confOf(one));
  const [address = ''] = container.addresses;

  const comeMs = await foundAt(other, address);
  const reverse = await other.agent.dig(`${address.split('.').toReversed().join('.')}.in-addr.arpa`, 'PTR');
  const { body } = await other.agent.curl('/v1/services/web');
  await one.rig.del(confOf(one), container.netns);
  const goneMs = await foundAt(other);

  console.log({ comeMs, goneMs });
  expect(Math.max(comeMs, goneMs)).toBeLessThan(1_000);
  expect(reverse[0]).toMatch(/\.blue\.fairlead\.internal\.$/);
  expect(body).toMatchObject({ instances: [{ host: address, owner: { network: 'blue' } }] });
});

test('what a host has goes with its agent’s lease, and is there again with the agent', async () => {
  const container = await one.attach(confOf(one));
  const own = await other.attach(confOf(other));
  const [address = '', ownAddress = ''] = [container.addresses[0], own.addresses[0]];
  await foundAt(other, address, ownAddress);

  await one.stopAgent('SIGKILL');
  const goneMs = await foundAt(other, ownAddress);
  await startAgent(one);
  await foundAt(other, address, ownAddress);
  await foundAt(one, address, ownAddress);

  expect(goneMs).toBeGreaterThan(ttlMs / 3);
  expect(goneMs).toBeLessThan(ttlMs * 3);
  await one.rig.del(confOf(one), container.netns);
  await other.rig.del(confOf(other), own.netns);
});

test('a host that is cut off answers what it knew, and is told the rest when it is back', async () => {
  const first = await one.attach(confOf(one));
  const [address = ''] = first.addresses;
  await foundAt(other, address);

  await other.cut();
  const second = await one.attach(confOf(one));
  const own = await other.attach(confOf(other));
  const [later = '', ownAddress = ''] = [second.addresses[0], own.addresses[0]];
  await other.agent.logged('etcd is away');
  const during = await other.agent.dig(web);
  await other.heal();
  const backMs = await foundAt(other, address, later, ownAddress);
  await foundAt(one, address, later, ownAddress);

  console.log({ backMs });
  expect(during).toEqual([address, ownAddress].toSorted());
  expect(backMs).toBeLessThan(8_000);
});
