import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import type { NodeData } from '../../zookeeper/operation.ts';
import type { Entry } from '../mirror.ts';
import { pipelined, untilAborted } from './pipelined.ts';
import type { Tree } from './tree.ts';
import type { LeftBehind } from './writer.ts';

export type Listing = {
  readonly client: ZooKeeperClient;
  readonly tree: Tree;
  /** Whether a name is worth looking at what is there. */
  readonly mayBeOwn: (child: string) => boolean;
  readonly isOwn: (child: string, found: NodeData) => boolean;
};

/** What is this machine's below the base, and what of it would go with a session that is not the present one. */
export async function listOwn(
  { client, tree, mayBeOwn, isOwn }: Listing,
  signal: AbortSignal,
): Promise<{ readonly own: readonly Entry[]; readonly leftBehind: readonly LeftBehind[] }> {
  const services = await untilAborted(() => listServices(client, tree.base), signal);
  const childrenOf = async (service: string) => {
    const children = (await client.getChildren(tree.pathOf(service))) ?? [];
    return children.filter(mayBeOwn).map((child) => ({ child, key: `${service}/${child}` }));
  };
  const candidates = (await pipelined(services, childrenOf, signal)).flat();
  const leftBehind: LeftBehind[] = [];
  const look = async ({ child, key }: { readonly child: string; readonly key: string }) => {
    const found = await client.getData(tree.pathOf(key));
    if (found === undefined || !isOwn(child, found)) return [];
    const entry = { key, content: found.data.toString() };
    if (found.stat.ephemeralOwner !== client.sessionId)
      leftBehind.push({ ...entry, version: found.stat.version });
    return [entry];
  };
  const own = (await pipelined(candidates, look, signal)).flat();
  return { own, leftBehind };
}

/** As the ensemble knows them now, not as a member that is behind does. */
async function listServices(client: ZooKeeperClient, base: string): Promise<readonly string[]> {
  await client.sync(base);
  return (await client.getChildren(base)) ?? [];
}
