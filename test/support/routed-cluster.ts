import { existsSync, readFileSync } from 'node:fs';
import type { IpamStatus } from '../../lib/blocks/status.ts';
import type { RoutingStatus } from '../../lib/routing/router.ts';
import type { BirdPlace } from './bird-process.ts';
import type { Attached, Cluster, Host } from './cluster.ts';
import type { Conf } from './rig.ts';
import { until } from './until.ts';

/** Where the agents keep pools, blocks and hosts. */
export const blockPrefix = '/fairlead/ipam';

/** The pools that a cluster has unless a test says otherwise. */
export const dualPools = {
  main: { cidr: '10.50.0.0/16' },
  main6: { cidr: 'fd00:50::/48' },
} as const;

/** What a host of such a cluster is told beside the usual. */
export type RoutedChanges = { readonly blocks?: object; readonly routing?: object };

/** Writes pools as an operator does. */
export async function putPools(cluster: Cluster, pools: Readonly<Record<string, object>>): Promise<void> {
  for (const [name, pool] of Object.entries(pools))
    await cluster.etcd.etcdctl('put', `${blockPrefix}/pools/${name}`, JSON.stringify(pool));
}

/** Pools, and an agent on every host that has blocks of them. */
export async function joinRouted(
  cluster: Cluster,
  changes: RoutedChanges = {},
  pools: Readonly<Record<string, object>> = dualPools,
): Promise<void> {
  await putPools(cluster, pools);
  await Promise.all(cluster.hosts.map((host) => startRouted(host, changes)));
}

/** Starts an agent with blocks and without overlay unless the further fields have one, and waits until the host has something to lease from. */
export async function startRouted(
  host: Host,
  changes: RoutedChanges = {},
  fields: { readonly [field: string]: unknown } = {},
): Promise<void> {
  const agent = await host.startAgent({ ...routedFields(host, changes), ...fields });
  const families = async () => new Set((await ipamOf(host)).pools.map(({ cidr }) => cidr.includes(':'))).size;
  const hasRanges = async () =>
    new Set(rangesOf(host).map((range) => range.includes(':'))).size >= Math.max(1, await families());
  await until(hasRanges, `host ${host.number} to have a block; its agent says:\n`, () => agent.log);
}

/** The fields of an agent's configuration by which its host takes part. */
export function routedFields(host: Host, { blocks = {}, routing = {} }: RoutedChanges): Conf {
  const { dataDir } = host.rig;
  const isBird = 'mode' in routing && routing.mode === 'bird';
  const { configFile, socket } = birdPlaceOf(host);
  return {
    overlay: undefined,
    blocks: { interface: 'eth0', shareFile: shareFileOf(host), dataDir, ...blocks },
    routing: { ...(isBird ? { configFile, socket } : {}), ...routing },
  };
}

/** Where a host's BIRD runs and has its files. */
export function birdPlaceOf({ netns, rig: { dir } }: Host): BirdPlace {
  return { netns, configFile: `${dir}/bird.conf`, socket: `${dir}/bird.ctl` };
}

/** What the host leases from, as `first-last`. */
export function rangesOf(host: Host): readonly string[] {
  const file = shareFileOf(host);
  if (!existsSync(file)) return [];
  const { ranges }: { ranges: readonly { first: string; last: string }[] } = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  return ranges.map(({ first, last }) => `${first}-${last}`);
}

function shareFileOf({ rig }: Host): string {
  return `${rig.dir}/blocks.json`;
}

/** The network of the cluster's blocks, as its plugin is configured here. */
export function routedConf(host: Host, changes: Conf = {}): Conf {
  return {
    cniVersion: '1.1.0',
    name: 'routed',
    type: 'routed',
    blocksFile: shareFileOf(host),
    registry: { store: host.rig.store },
    ...changes,
  };
}

/** A new container with an address of the host's blocks. */
export function addRouted(host: Host, changes: Conf = {}): Promise<Attached> {
  return host.attach(routedConf(host, changes));
}

/** Takes a container away again. */
export async function delRouted(host: Host, container: Attached): Promise<void> {
  await host.rig.del(routedConf(host), container.netns);
}

/** What a host's agent says of the ways to the others. */
export async function routesOf(host: Host): Promise<RoutingStatus> {
  return (await host.agent.curl('/v1/routes')).body as RoutingStatus;
}

/** What a host's agent says of the cluster's addresses. */
export async function ipamOf(host: Host): Promise<IpamStatus> {
  return (await host.agent.curl('/v1/ipam')).body as IpamStatus;
}

/** Waits until every host has a way to each block and loan of the others. */
export async function awaitRoutes({ hosts }: Cluster): Promise<void> {
  for (const host of hosts)
    await until(() => hasAllRoutes(host, hosts.length), `host ${host.number} to have all routes`);
}

/** One that has not heard of the others yet has all routes that it knows of. */
async function hasAllRoutes(host: Host, hosts: number): Promise<boolean> {
  const [{ routes }, { blocks, hosts: known, node }] = [await routesOf(host), await ipamOf(host)];
  const foreign = blocks.filter((block) => block.node !== node);
  if (known.length < hosts) return false;
  return routes.length >= foreign.length && routes.every(({ isInstalled }) => isInstalled);
}
